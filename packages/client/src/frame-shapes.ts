/** What a field holds. One that ends in `?` may be absent. */
export type Kind =
  | "string"
  | "string?"
  /** From 0 to 2^53−1. */
  | "integer"
  | "integer?"
  | "boolean"
  | "boolean?"
  | "position"
  /** As the message's content type says. */
  | "content";

/** A frame's fields, in the order of their numbers in client.proto, which begin at 1. */
export type Shape = Readonly<Record<string, Kind>>;

/** What the client sends: the members of `ClientFrame`, in the order of their numbers, from 1. */
export const CLIENT_FRAMES: Readonly<Record<string, Shape>> = {
  join: {
    id: "integer?",
    room: "string",
    position: "position",
    away_ms: "integer?",
    ticket: "string?",
  },
  leave: { id: "integer?", room: "string" },
  resume: { id: "integer?", position: "position", away_ms: "integer?" },
  token: { token: "string" },
  ping: {},
};

/** What the server sends: the members of `ServerFrame`, in the order of their numbers, from 1. */
export const SERVER_FRAMES: Readonly<Record<string, Shape>> = {
  welcome: {
    session_id: "string",
    user_id: "string",
    node_id: "string",
    position: "position",
    heartbeat_ms: "integer",
  },
  joined: {
    id: "integer?",
    room: "string",
    position: "position",
    recovered: "boolean?",
    ticket: "string?",
  },
  left: { id: "integer?", room: "string" },
  resumed: { id: "integer?", position: "position", recovered: "boolean" },
  message: {
    id: "string",
    room: "string?",
    target: "string",
    content_type: "string",
    content: "content",
    at: "integer",
    key: "string?",
    ephemeral: "boolean?",
  },
  position: { position: "position" },
  gap: { room: "string?", scope: "string", position: "position" },
  reconnect: { after_ms: "integer", reason: "string" },
  token_accepted: { expires_at: "integer" },
  pong: {},
  error: { id: "integer?", code: "string", message: "string" },
};
