import { CliError } from "../frame/cli-error.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import { explainNetwork } from "../frame/network-problem.ts";
import { printable } from "../frame/printable.ts";
import type { ConnectFailure } from "./telling-socket.ts";

/**
 * Whether another attempt may do better by itself: the node is full, starts or drains; or it went well
 * before, and what stands before the nodes has none to ask now.
 */
export function mayPass(failure: ConnectFailure, wasOpen: boolean): boolean {
  if (failure.kind === "unreachable") return wasOpen;
  const { status } = failure;
  return status === 429 || status === 503 || (wasOpen && status >= 500);
}

/** Why there is no connection, for a person. */
export function connectProblem(failure: ConnectFailure, url: string): CliError {
  const where = url.replace(/\?.*$/, "");
  if (failure.kind === "unreachable") {
    const { why, hint } = explainNetwork(failure.message, HINTS);
    return new CliError({
      code: "UNAVAILABLE",
      message: `cannot reach the connect-node at ${where}: ${why}`,
      hint,
      exitCode: EXIT_CODES.unavailable,
    });
  }
  const { status, code, message } = failure;
  return new CliError({
    code: code || `HTTP_${status}`,
    message: `${where} refuses: ${[status, code, printable(message)].filter(Boolean).join(" ")}`,
    hint: REFUSALS[code] ?? OTHER_REFUSALS[status] ?? "",
    exitCode: exitCodeOf(status),
  });
}

const HINTS = {
  refused: "Start one with pushcast dev, or say where it is: --url URL, or PUSHCAST_URL.",
  unknownName: "Look at --url or PUSHCAST_URL.",
  noTls: "It speaks no TLS: use ws:// instead of wss://.",
  otherName: "Use the name that its certificate is for in --url.",
  unknownCa: "Name that CA: --ca FILE.",
  clientCertificate: "What is before the node asks for a certificate.",
  otherProtocol: "The port of clients is WS_PORT, 8080 unless it is set otherwise.",
  ended: "It may speak TLS only: use wss:// instead of ws://.",
};

const REFUSALS: Readonly<Record<string, string>> = {
  TOKEN_MISSING: "Name the file with a token: --client-token-file FILE. pushcast token makes one.",
  TOKEN_INVALID:
    "It is not signed by a key that the node takes (JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL), or not for now.",
  TOKEN_EXPIRED: "Get a new one, or make one with pushcast token.",
  TOKEN_REVOKED: "It was revoked, as with pushcast disconnect --revoke-tokens. Get a new one.",
  CLAIM_FORBIDDEN:
    "What the token says does not fit the node: JWT_ISSUER, JWT_AUDIENCE, JWT_MAX_SECONDS.",
  USER_INVALID:
    "A user id has 1 to 256 bytes without control characters, and beside a token it is the token's sub.",
};

const OTHER_REFUSALS: Readonly<Record<number, string>> = {
  401: "Name the file with a token: --client-token-file FILE.",
  404: "The path is /ws, as in ws://localhost:8080/ws.",
};

function exitCodeOf(status: number): ExitCode {
  switch (status) {
    case 400:
      return EXIT_CODES.data;
    case 401:
    case 403:
      return EXIT_CODES.noPermission;
    case 429:
    case 503:
      return EXIT_CODES.tryLater;
    default:
      return EXIT_CODES.unavailable;
  }
}
