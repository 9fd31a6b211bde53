interface HttpError {
  readonly status: number;
  readonly meaning: string;
  /** Headers that go with it, beside those of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer also says `Retry-After`, in seconds. */
  readonly retryAfter?: true;
}

const UPGRADE_HEADERS = { Connection: "Upgrade", Upgrade: "websocket" };

const INVALID_TOKEN = { "WWW-Authenticate": 'Bearer error="invalid_token"' };

const TABLE = {
  NOT_FOUND: { status: 404, meaning: "the path is not `/ws`" },
  METHOD_NOT_ALLOWED: { status: 405, meaning: "the method is not GET", headers: { Allow: "GET" } },
  UPGRADE_REQUIRED: {
    status: 426,
    meaning: "not an upgrade to WebSocket version 13",
    headers: { ...UPGRADE_HEADERS, "Sec-WebSocket-Version": "13" },
  },
  HANDSHAKE_INVALID: { status: 400, meaning: "`Sec-WebSocket-Key` is missing or invalid" },
  SUBPROTOCOL_UNKNOWN: {
    status: 400,
    meaning: "neither pushcast.v1.json nor pushcast.v1.proto is among the subprotocols offered",
  },
  REQUEST_INVALID: { status: 400, meaning: "not an HTTP request" },
  QUERY_INVALID: { status: 400, meaning: "the query cannot be read, or a value in it is wrong" },
  USER_INVALID: {
    status: 400,
    meaning: "`user_id` is missing or not a user id, or beside a token not its user",
  },
  TOKEN_AMBIGUOUS: { status: 400, meaning: "the request carries two different tokens" },
  TOKEN_MISSING: {
    status: 401,
    meaning: "no token",
    headers: { "WWW-Authenticate": "Bearer" },
  },
  TOKEN_INVALID: {
    status: 401,
    meaning: "the token does not verify, or is not valid yet",
    headers: INVALID_TOKEN,
  },
  TOKEN_EXPIRED: { status: 401, meaning: "the token has expired", headers: INVALID_TOKEN },
  TOKEN_REVOKED: { status: 401, meaning: "the token was revoked", headers: INVALID_TOKEN },
  ORIGIN_FORBIDDEN: { status: 403, meaning: "pages of this origin may not connect" },
  CLAIM_FORBIDDEN: { status: 403, meaning: "a claim of the token is refused" },
  REQUEST_TIMEOUT: { status: 408, meaning: "no whole request within `HANDSHAKE_SECONDS`" },
  HEADERS_TOO_LARGE: {
    status: 431,
    meaning: "the URL and the headers have more than `MAX_HEADER_BYTES`",
  },
  TOO_MANY_SESSIONS_OF_USER: {
    status: 429,
    meaning: "the user has `MAX_SESSIONS_PER_USER` sessions on this node",
    retryAfter: true,
  },
  TOO_MANY_SESSIONS_OF_ADDRESS: {
    status: 429,
    meaning: "the address has `MAX_SESSIONS_PER_ADDRESS` sessions on this node",
    retryAfter: true,
  },
  TOO_MANY_HANDSHAKES: {
    status: 429,
    meaning: "more connections than the node accepts at once",
    retryAfter: true,
  },
  NODE_FULL: { status: 503, meaning: "the node has `MAX_SESSIONS` sessions", retryAfter: true },
  NODE_STARTING: { status: 503, meaning: "the node is not ready yet", retryAfter: true },
  NODE_DRAINING: {
    status: 503,
    meaning: "the node accepts no new sessions any more",
    retryAfter: true,
  },
  TOKEN_KEYS_UNAVAILABLE: {
    status: 503,
    meaning: "the keys that tokens are verified with cannot be had now",
    retryAfter: true,
  },
} satisfies Record<string, HttpError>;

export type HttpErrorCode = keyof typeof TABLE;

/** Every answer of the WebSocket port before the upgrade, by its code. */
export const HTTP_ERRORS: Readonly<Record<HttpErrorCode, HttpError>> = TABLE;

/** The body of such an answer; `message` is for people and defaults to the code's meaning. */
export function httpErrorBody(
  code: HttpErrorCode,
  message: string = HTTP_ERRORS[code].meaning,
): Buffer {
  return Buffer.from(JSON.stringify({ error: { code, message } }));
}
