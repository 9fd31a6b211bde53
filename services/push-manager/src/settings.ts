import {
  type CrossCheck,
  integer,
  oneOf,
  port,
  type SettingsOf,
  type SettingsSchema,
  seconds,
  sharedChecks,
  sharedSettings,
  text,
} from "@pushcast/runtime";

/** The settings of a push-manager. */
export const pushManagerSettings = {
  ...sharedSettings,
  GRPC_PORT: port({
    default: 50051,
    doc: "The port of PushManagerService, gRPC health and reflection.",
  }),
  GRPC_MAX_CONNECTION_SECONDS: seconds({
    min: 0,
    max: 86_400,
    default: 300,
    doc: "Age at which a biz-server is told to use another connection for its next calls, so that it finds push-managers that were added. Calls that are open go on. 0 is for ever.",
  }),
  ACK_TIMEOUT_MS: integer({
    unit: "milliseconds",
    min: 1,
    max: 600_000,
    default: 1000,
    doc: "The longest that a push waits for the nodes; less if the caller's deadline is nearer.",
  }),
  IDEMPOTENCY_SECONDS: seconds({
    min: 0,
    max: 86_400,
    default: 600,
    doc: "How long an idempotency key is remembered. The same in all processes.",
  }),
  IDEMPOTENCY_KEYS: integer({
    unit: "keys",
    min: 1,
    max: 10_000_000,
    default: 100_000,
    doc: "Idempotency keys that are remembered at most, at about 500 bytes each; the oldest is forgotten first.",
  }),
  MAX_PENDING_PUSHES: integer({
    unit: "pushes",
    min: 1,
    max: 10_000_000,
    default: 65_536,
    doc: "Pushes that may await acknowledgement at once, at about 500 bytes and 16 for each node; more are held back.",
  }),
  MAX_PUSH_STREAMS: integer({
    unit: "streams",
    min: 1,
    max: 1_000_000,
    default: 1000,
    doc: "PushStreams that may be open at once, each of which may hold one message of pushes, 4 MiB, that it has not accepted yet; further ones are answered RESOURCE_EXHAUSTED.",
  }),
  STREAM_MAX_IN_FLIGHT: integer({
    unit: "pushes",
    min: 1,
    max: 1_000_000,
    default: 4096,
    doc: "Pushes that one PushStream may have unanswered; it is not read while it has as many.",
  }),
  PUSH_AUTH: oneOf(["none", "token", "mtls"], {
    default: "none",
    doc: "Who may push: whoever reaches the port, callers with a bearer token, or callers with a client certificate.",
  }),
  PUSH_TOKENS_FILE: text({
    doc: "The callers, their tokens or certificates, their rights and rates, as JSON or YAML. Required with PUSH_AUTH=token and mtls.",
  }),
  OTEL_SERVICE_NAME: text({ default: "push-manager", doc: "`service.name` of the spans." }),
  NODE_ENV: text({
    default: "",
    doc: "With `production` a manager that lets everybody push says so in its log.",
  }),
  POD_NAME: text({
    default: "",
    doc: "What this manager calls itself to the nodes, for their logs; else the host's name.",
  }),
} satisfies SettingsSchema;

export type PushManagerSettings = SettingsOf<typeof pushManagerSettings>;

export const pushManagerChecks: readonly CrossCheck<PushManagerSettings>[] = [
  ...sharedChecks,
  {
    settings: ["PUSH_TOKENS_FILE", "PUSH_AUTH"],
    problem: ({ PUSH_TOKENS_FILE, PUSH_AUTH }) => {
      if (PUSH_AUTH === "none") {
        return PUSH_TOKENS_FILE === undefined ? undefined : "is of no use with PUSH_AUTH=none";
      }
      return PUSH_TOKENS_FILE === undefined ? `is required with PUSH_AUTH=${PUSH_AUTH}` : undefined;
    },
  },
  {
    settings: ["PUSH_AUTH", "GRPC_TLS_CERT_FILE"],
    problem: ({ PUSH_AUTH, GRPC_TLS_CERT_FILE }) =>
      PUSH_AUTH === "mtls" && GRPC_TLS_CERT_FILE === undefined
        ? "mtls needs GRPC_TLS_CERT_FILE"
        : undefined,
  },
];
