/** Why a connection ends: what goes into its WebSocket close frame. */
export interface CloseReason {
  readonly code: number;
  /** At most 123 bytes of UTF-8, as RFC 6455 allows. */
  readonly reason: string;
}

interface CloseCode {
  readonly code: number;
  readonly meaning: string;
  /** Who decides on it. */
  readonly by: "server" | "biz-server";
  /** Whether the client should open a new connection. */
  readonly reconnect: boolean;
}

export type CloseName = keyof typeof CLOSE_CODES;

/** Every code with which a connection is closed to a client. */
export const CLOSE_CODES = {
  GOING_AWAY: {
    code: 1001,
    meaning: "the node is going away",
    by: "server",
    reconnect: true,
  },
  PROTOCOL_ERROR: {
    code: 1002,
    meaning: "a frame that breaks RFC 6455",
    by: "server",
    reconnect: true,
  },
  NOT_UTF8: {
    code: 1007,
    meaning: "a text frame that is not UTF-8",
    by: "server",
    reconnect: true,
  },
  TOO_MANY_FRAGMENTS: {
    code: 1008,
    meaning: "a message in more than MAX_FRAGMENTS fragments",
    by: "server",
    reconnect: true,
  },
  TOO_BIG: {
    code: 1009,
    meaning: "a frame larger than MAX_FRAME_BYTES",
    by: "server",
    reconnect: true,
  },
  INTERNAL: {
    code: 1011,
    meaning: "an error in the server",
    by: "server",
    reconnect: true,
  },
  RESTART: {
    code: 1012,
    meaning: "the node restarts; reconnect to another",
    by: "server",
    reconnect: true,
  },
  INVALID_FRAME: {
    code: 4400,
    meaning: "not a frame of the subprotocol: see Invalid frames",
    by: "server",
    reconnect: false,
  },
  TOKEN_EXPIRED: {
    code: 4401,
    meaning: "the token has expired or was revoked; get a new one first",
    by: "server",
    reconnect: false,
  },
  FORBIDDEN: {
    code: 4403,
    meaning: "this user may not be here",
    by: "server",
    reconnect: false,
  },
  SILENT: {
    code: 4408,
    meaning: "no sign of life for two heartbeats",
    by: "server",
    reconnect: true,
  },
  TOO_SLOW: {
    code: 4409,
    meaning: "read too slowly for longer than LAG_SECONDS",
    by: "server",
    reconnect: true,
  },
  DISCONNECTED: {
    code: 4410,
    meaning: "disconnected on purpose",
    by: "biz-server",
    reconnect: false,
  },
  TOO_MANY_FRAMES: {
    code: 4429,
    meaning: "sent too many frames in too short a time",
    by: "server",
    reconnect: true,
  },
} as const satisfies Record<string, CloseCode>;

/** The reason to close with; reason is for people and defaults to the code's meaning. */
export function closeReason(
  name: CloseName,
  reason: string = CLOSE_CODES[name].meaning,
): CloseReason {
  return { code: CLOSE_CODES[name].code, reason };
}
