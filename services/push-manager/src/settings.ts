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

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

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
  CONSOLE: oneOf(["on", "off"], {
    default: "off",
    doc: "Whether the ops port has the console, a page at /console that shows nodes and figures, pushes, and reads along in a room.",
  }),
  CONSOLE_TOKEN: text({
    pattern: /^[\x21-\x7e]{16,}$/,
    accepts: "at least 16 ASCII characters without spaces",
    secret: true,
    doc: "What whoever opens the console must know. Required with CONSOLE=on, unless OPS_HOST is a loopback address: then, without it, the console is for this machine alone.",
  }),
  CONSOLE_MAX_VIEWERS: integer({
    unit: "consoles",
    min: 1,
    max: 1000,
    default: 16,
    doc: "Consoles that may be open at once.",
  }),
  CONSOLE_MAX_TAILS: integer({
    unit: "tails",
    min: 0,
    max: 1000,
    default: 8,
    doc: "Rooms that consoles may read along in at once.",
  }),
  CONSOLE_TAIL_PER_SECOND: integer({
    unit: "publications",
    min: 5,
    max: 10_000,
    default: 200,
    doc: "Publications of a room that one console is shown in a second; the others are counted.",
  }),
  CONSOLE_TAIL_CONTENT_BYTES: integer({
    unit: "bytes",
    min: 16,
    max: 16 * 1024 ** 2,
    default: 4096,
    doc: "What a console is shown of the content of one publication.",
  }),
  CONSOLE_MAX_FAILURES: integer({
    unit: "failures",
    min: 1,
    max: 1_000_000,
    default: 20,
    doc: "Wrong console tokens of one address in a minute; then none of that address is looked at for the rest of it.",
  }),
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
    settings: ["CONSOLE_TOKEN", "CONSOLE", "OPS_HOST"],
    problem: ({ CONSOLE_TOKEN, CONSOLE, OPS_HOST }) =>
      CONSOLE === "on" && CONSOLE_TOKEN === undefined && !LOOPBACK.test(OPS_HOST)
        ? "is required with CONSOLE=on, unless OPS_HOST is a loopback address"
        : undefined,
  },
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
