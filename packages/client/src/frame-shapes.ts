/** What a field holds, most by its JavaScript type. One that ends in `?` may be absent. */
export type Kind =
  | "string"
  | "string?"
  /** An integer from 0 to 2^53−1. */
  | "number"
  | "number?"
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
    id: "number?",
    room: "string",
    position: "position",
    away_ms: "number?",
    ticket: "string?",
  },
  leave: { id: "number?", room: "string" },
  resume: { id: "number?", position: "position", away_ms: "number?" },
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
    heartbeat_ms: "number",
  },
  joined: {
    id: "number?",
    room: "string",
    position: "position",
    recovered: "boolean?",
    ticket: "string?",
  },
  left: { id: "number?", room: "string" },
  resumed: { id: "number?", position: "position", recovered: "boolean" },
  message: {
    id: "string",
    room: "string?",
    target: "string",
    content_type: "string",
    content: "content",
    at: "number",
    key: "string?",
    ephemeral: "boolean?",
  },
  position: { position: "position" },
  gap: { room: "string?", scope: "string", position: "position" },
  reconnect: { after_ms: "number", reason: "string" },
  token_accepted: { expires_at: "number" },
  pong: {},
  error: { id: "number?", code: "string", message: "string" },
};
