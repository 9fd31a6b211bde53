import { FieldReader, present, type UncheckedFields } from "./fields.ts";
import { POSITION_ENTRIES_FROM_SERVER } from "./position.ts";
import type { ServerFrame } from "./server-frame.ts";

/** A frame, or what is wrong with what the server sent. */
export type ServerFrameResult =
  | { readonly ok: true; readonly frame: ServerFrame }
  | { readonly ok: false; readonly problem: string };

/** The shapes of docs/protocol.md for what a server sends, the same for both subprotocols. */
export function checkServerFrame(
  type: string | undefined,
  fields: UncheckedFields,
): ServerFrameResult {
  const reader = new FieldReader(fields, POSITION_ENTRIES_FROM_SERVER);
  const frame = readFrame(type, reader);
  if (reader.problem !== undefined) return { ok: false, problem: reader.problem.message };
  if (frame === undefined) return { ok: false, problem: "no known type of frame" };
  return { ok: true, frame };
}

function readFrame(type: string | undefined, reader: FieldReader): ServerFrame | undefined {
  switch (type) {
    case "welcome":
      return {
        type,
        sessionId: reader.string("session_id"),
        userId: reader.string("user_id"),
        nodeId: reader.string("node_id"),
        position: reader.position("position"),
        heartbeatMs: reader.integer("heartbeat_ms"),
      };
    case "joined":
      return present({
        type,
        id: reader.optionalInteger("id"),
        room: reader.string("room"),
        position: reader.position("position"),
        recovered: reader.optionalBoolean("recovered"),
        ticket: reader.optionalString("ticket"),
      });
    case "left":
      return present({ type, id: reader.optionalInteger("id"), room: reader.string("room") });
    case "resumed":
      return present({
        type,
        id: reader.optionalInteger("id"),
        position: reader.position("position"),
        recovered: reader.boolean("recovered"),
      });
    case "message":
      return present({
        type,
        id: reader.string("id"),
        room: reader.optionalString("room"),
        target: reader.oneOf("target", ["room", "user", "all"]),
        contentType: reader.string("content_type"),
        content: reader.bytes("content"),
        at: reader.integer("at"),
        key: reader.optionalString("key"),
        ephemeral: reader.optionalBoolean("ephemeral"),
      });
    case "position":
      return { type, position: reader.position("position") };
    case "gap":
      return present({
        type,
        room: reader.optionalString("room"),
        scope: reader.oneOf("scope", ["room", "self", "all"]),
        position: reader.position("position"),
      });
    case "reconnect":
      return {
        type,
        afterMs: reader.integer("after_ms"),
        reason: reader.oneOf("reason", ["drain", "rebalance"]),
      };
    case "token_accepted":
      return { type, expiresAt: reader.integer("expires_at") };
    case "pong":
      return { type };
    case "error":
      return present({
        type,
        id: reader.optionalInteger("id"),
        code: reader.string("code"),
        message: reader.string("message"),
      });
    default:
      return undefined;
  }
}
