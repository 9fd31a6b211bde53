import { PushError } from "@pushcast/api";
import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import { explainNetwork } from "../frame/network-problem.ts";

export interface Connection {
  readonly address: string;
  readonly hasTls: boolean;
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
  const { address, timeoutMs } = connection;
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
        hint: HINTS[reason] ?? "",
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
  TOKEN_MISSING: "Name the file with your token: --token-file FILE.",
  TOKEN_INVALID: "Your token is not in PUSH_TOKENS_FILE of the push-manager.",
  CERTIFICATE_MISSING:
    "Show your certificate: --cert FILE --key FILE. One of a CA that it does not trust, or that has expired, counts as none.",
  CERTIFICATE_UNKNOWN:
    "No caller in PUSH_TOKENS_FILE of the push-manager, or more than one, has a name of your certificate.",
  NO_NODES:
    "Start a connect-node with the same registry (REGISTRY, ETCD_ENDPOINTS), and look at pushcast nodes.",
  STOPPING: "Call another push-manager.",
  BACK_PRESSURE: "Most nodes are behind: pushcast nodes shows their lag. Try again in a while.",
  RATE_LIMITED: "The rate of this caller stands in PUSH_TOKENS_FILE. Try again in a while.",
  CONTENT_TOO_LARGE: "MAX_CONTENT_BYTES is the limit, on the push-manager and the nodes.",
  CONTENT_INVALID:
    "Say what the content is with --content-type: application/octet-stream takes all bytes.",
};

const NETWORK_HINTS = {
  refused:
    "Start one with pushcast dev, or say where it is: --manager HOST:PORT, or PUSHCAST_MANAGER.",
  unknownName:
    "Look at --manager or PUSHCAST_MANAGER. From outside a cluster: kubectl port-forward.",
  noTls: "Leave out --tls, --ca, --cert, --key and --server-name, and PUSHCAST_TLS and the like.",
  otherName: "Say the name that it is for: --server-name NAME.",
  unknownCa: "Name that CA: --ca FILE.",
  clientCertificate: "Show one of a CA that it trusts: --cert FILE --key FILE.",
  otherProtocol: "A push-manager's gRPC port is 50051 unless it is set otherwise.",
  ended: "It may speak TLS only: --tls, with --ca FILE where its CA is your own.",
};

function explainUnreachable(message: string, { address, hasTls }: Connection): Explained {
  const ended = hasTls ? NETWORK_HINTS.clientCertificate : NETWORK_HINTS.ended;
  const { why, hint } = explainNetwork(message, { ...NETWORK_HINTS, ended });
  return { message: `cannot reach the push-manager at ${address}: ${why}`, hint };
}
