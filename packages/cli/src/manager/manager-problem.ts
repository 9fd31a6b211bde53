import { PushError } from "@pushcast/api";
import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";

export interface Connection {
  readonly address: string;
  readonly hasTls: boolean;
  readonly hasToken: boolean;
  readonly timeoutMs: number;
}

interface Explained {
  readonly message: string;
  readonly hint: string;
}

/** What went wrong with a push-manager, for a person; anything else as it is. */
export function managerProblem(error: unknown, connection: Connection): unknown {
  if (!(error instanceof PushError)) return error;
  const { message, hint } = explain(error, connection);
  return new CliError({
    code: error.reason || error.code,
    message,
    hint,
    exitCode: exitCodeOf(error),
    cause: error,
  });
}

function exitCodeOf({ code, reason }: PushError): ExitCode {
  switch (code) {
    case "INVALID_ARGUMENT":
      return reason === "OPTIONS_INVALID" ? EXIT_CODES.config : EXIT_CODES.data;
    case "RESOURCE_EXHAUSTED":
      return reason === "CONTENT_TOO_LARGE" ? EXIT_CODES.data : EXIT_CODES.tryLater;
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return EXIT_CODES.noPermission;
    case "UNAVAILABLE":
    case "UNIMPLEMENTED":
      return EXIT_CODES.unavailable;
    case "DEADLINE_EXCEEDED":
    case "CANCELLED":
      return EXIT_CODES.tryLater;
    default:
      return EXIT_CODES.failed;
  }
}

function explain(error: PushError, connection: Connection): Explained {
  const { code, reason, message } = error;
  const { address, hasToken, timeoutMs } = connection;
  if (code === "UNAVAILABLE" && reason === "") return explainUnreachable(message, connection);
  switch (code) {
    case "DEADLINE_EXCEEDED":
      return {
        message: `the push-manager at ${address} has not answered within ${timeoutMs} ms`,
        hint: "It may have done what was asked. Wait longer with --timeout 30s; a push has its --idempotency-key to be repeated with.",
      };
    case "UNAUTHENTICATED":
      return {
        message: `the push-manager does not know who calls: ${message}`,
        hint: hasToken
          ? "Its token is not in PUSH_TOKENS_FILE of the push-manager."
          : "Name the file with your token: --token-file FILE; or, with PUSH_AUTH=mtls, your certificate: --cert and --key.",
      };
    case "PERMISSION_DENIED":
      return {
        message: `the push-manager refuses: ${message}`,
        hint: "What each caller may do stands in PUSH_TOKENS_FILE of the push-manager.",
      };
    case "UNIMPLEMENTED":
      return {
        message: `what serves at ${address} is no push-manager, or one of an earlier version`,
        hint: "A push-manager's gRPC port is 50051 unless it is set otherwise; 50052 is a connect-node's.",
      };
    default:
      return { message, hint: HINTS[reason] ?? "" };
  }
}

const HINTS: Readonly<Record<string, string>> = {
  NO_NODES:
    "Start a connect-node with the same registry (REGISTRY, ETCD_ENDPOINTS), and look at pushcast nodes.",
  STOPPING: "Call another push-manager.",
  BACK_PRESSURE: "Most nodes are behind: pushcast nodes shows their lag. Try again in a while.",
  RATE_LIMITED: "The rate of this caller stands in PUSH_TOKENS_FILE. Try again in a while.",
  CONTENT_TOO_LARGE: "MAX_CONTENT_BYTES is the limit, on the push-manager and the nodes.",
  CONTENT_INVALID:
    "Say what the content is with --content-type: application/octet-stream takes all bytes.",
};

/** Nobody answered: why, by what Node and OpenSSL say of it. */
const UNREACHABLE: readonly (readonly [
  sign: RegExp,
  why: string,
  hint: (connection: Connection) => string,
])[] = [
  [
    /ECONNREFUSED/,
    "nobody listens there",
    () =>
      "Start one with pushcast dev, or say where it is: --manager HOST:PORT, or PUSHCAST_MANAGER.",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|Name resolution failed/,
    "the name is not known",
    () => "Look at --manager or PUSHCAST_MANAGER. From outside a cluster: kubectl port-forward.",
  ],
  [
    /wrong version number|packet length too long|EPROTO/i,
    "it does not speak TLS",
    () => "Leave out --tls, --ca, --cert, --key and --server-name, and PUSHCAST_TLS and the like.",
  ],
  [
    /altnames|does not match certificate/i,
    "its certificate is for another name",
    () => "Say the name that it is for: --server-name NAME.",
  ],
  [
    /self[- ]signed|unable to (?:get|verify)|issuer certificate/i,
    "its certificate is of a CA that is not trusted",
    () => "Name that CA: --ca FILE.",
  ],
  [/certificate has expired|CERT_HAS_EXPIRED/i, "its certificate has expired", () => "Renew it."],
  [
    /certificate required|handshake failure|bad certificate|unknown ca|alert/i,
    "it refuses this client's certificate, or asks for one",
    () => "Show one of a CA that it trusts: --cert FILE --key FILE.",
  ],
  [
    /protocol error|HTTP\/1|parse error/i,
    "it does not speak gRPC",
    () => "A push-manager's gRPC port is 50051 unless it is set otherwise.",
  ],
  [
    /ECONNRESET|EPIPE|socket hang up|connection dropped|closed/i,
    "it ended the connection",
    ({ hasTls }) =>
      hasTls
        ? "It may ask for a certificate: --cert FILE --key FILE."
        : "It may speak TLS only: --tls, with --ca FILE where its CA is your own.",
  ],
];

function explainUnreachable(message: string, connection: Connection): Explained {
  const known = UNREACHABLE.find(([sign]) => sign.test(message));
  const where = `cannot reach the push-manager at ${connection.address}`;
  if (known === undefined) return { message: `${where}: ${message}`, hint: "" };
  const [, why, hint] = known;
  return { message: `${where}: ${why}`, hint: hint(connection) };
}
