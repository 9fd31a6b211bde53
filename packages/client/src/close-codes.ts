/** Why a connection ended, by the code of its close frame. */
export type CloseName =
  | "NORMAL"
  | "GOING_AWAY"
  | "PROTOCOL_ERROR"
  /** Without a close frame: the network failed, the server was not reached or did not accept. */
  | "LOST"
  | "NOT_UTF8"
  | "TOO_MANY_FRAGMENTS"
  | "TOO_BIG"
  | "INTERNAL"
  | "RESTART"
  | "INVALID_FRAME"
  | "TOKEN_EXPIRED"
  /** 4401 twice: the server refused a new token as well, or the `token` function had no other. */
  | "TOKEN_REFUSED"
  | "FORBIDDEN"
  | "SILENT"
  | "TOO_SLOW"
  | "DISCONNECTED"
  | "TOO_MANY_FRAMES"
  /** Any other, such as one that a biz-server chose for `DisconnectUser`. */
  | "OTHER";

const NAMES: Readonly<Record<number, CloseName>> = {
  1000: "NORMAL",
  1001: "GOING_AWAY",
  1002: "PROTOCOL_ERROR",
  1006: "LOST",
  1007: "NOT_UTF8",
  1008: "TOO_MANY_FRAGMENTS",
  1009: "TOO_BIG",
  1011: "INTERNAL",
  1012: "RESTART",
  4400: "INVALID_FRAME",
  4401: "TOKEN_EXPIRED",
  4403: "FORBIDDEN",
  4408: "SILENT",
  4409: "TOO_SLOW",
  4410: "DISCONNECTED",
  4429: "TOO_MANY_FRAMES",
};

const FINAL: ReadonlySet<CloseName> = new Set([
  "INVALID_FRAME",
  "TOKEN_EXPIRED",
  "TOKEN_REFUSED",
  "FORBIDDEN",
  "DISCONNECTED",
]);

/** How a connection ended. */
export interface End {
  readonly code: number;
  readonly reason: string;
  /** Where the code does not say all. */
  readonly name?: CloseName;
}

/** The token has expired or was revoked. */
export const TOKEN_EXPIRED = 4401;

/** The client's own wish. */
export const CLOSED_BY_CLIENT: End = { code: 1000, reason: "" };

/** Ended without a close frame, or taken for dead. */
export function lost(reason: string): End {
  return { code: 1006, reason };
}

export function closeName({ code, name }: End): CloseName {
  return name ?? NAMES[code] ?? "OTHER";
}

/** Whether to open a new connection after this end; after `TOKEN_EXPIRED` only with a new token. */
export function reconnectsAfter(end: End): boolean {
  return !FINAL.has(closeName(end));
}
