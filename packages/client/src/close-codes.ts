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
  "FORBIDDEN",
  "DISCONNECTED",
]);

/** How a connection ended. */
export interface End {
  readonly code: number;
  readonly reason: string;
}

/** The client's own wish. */
export const CLOSED_BY_CLIENT: End = { code: 1000, reason: "" };

/** Ended without a close frame, or taken for dead. */
export function lost(reason: string): End {
  return { code: 1006, reason };
}

export function closeName(code: number): CloseName {
  return NAMES[code] ?? "OTHER";
}

/** Whether to open a new connection after a close with this code. */
export function reconnectsAfter(code: number): boolean {
  return !FINAL.has(closeName(code));
}
