import { isUtf8 } from "node:buffer";
import { checkClientFrame } from "./client-frame-rules.ts";
import { closeReason } from "./close-codes.ts";
import { type Codec, type DecodeResult, JSON_SUBPROTOCOL } from "./codec.ts";
import { contentKind, frameContentType } from "./content.ts";
import type { UncheckedFields } from "./fields.ts";
import { joinPieces, type Pieces } from "./pieces.ts";
import { positionToJson } from "./position.ts";
import type { MessageFrame, ServerFrame } from "./server-frame.ts";
import { OPCODE, websocketFrameOf } from "./websocket-frame.ts";

/** `pushcast.v1.json`: one JSON object in each text frame. */
export const jsonCodec: Codec = {
  subprotocol: JSON_SUBPROTOCOL,
  binary: false,
  decode,
  encode: (frame) => joinPieces(encodeToPieces(frame)),
  encodeFramed: (frame) => websocketFrameOf(OPCODE.text, encodeToPieces(frame)),
};

function decode(data: Buffer, isBinary: boolean): DecodeResult {
  if (isBinary) return notAFrame(`binary frame on ${JSON_SUBPROTOCOL}`);
  const fields = parseObject(data);
  if (fields === undefined) return notAFrame("not a JSON object");
  if (typeof fields.type !== "string") return notAFrame("no string type");
  return checkClientFrame(fields.type, fields);
}

function notAFrame(reason: string): DecodeResult {
  return { ok: false, close: closeReason("INVALID_FRAME", reason) };
}

/** The JSON object in the bytes; undefined if they hold anything else. */
export function parseObject(utf8: Buffer): UncheckedFields | undefined {
  if (!isUtf8(utf8)) return undefined;
  try {
    const value: unknown = JSON.parse(utf8.toString());
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as UncheckedFields) : undefined;
  } catch {
    return undefined;
  }
}

function encodeToPieces(frame: ServerFrame): Pieces {
  return frame.type === "message" ? messagePieces(frame) : [JSON.stringify(toJson(frame))];
}

/** JSON content is spliced in as it is: parsing it anew would cost time and could change it. */
function messagePieces(message: MessageFrame): Pieces {
  let head = `{"type":"message","id":${JSON.stringify(message.id)}`;
  if (message.room !== undefined) head += `,"room":${JSON.stringify(message.room)}`;
  head += `,"target":"${message.target}"`;
  head += `,"content_type":${JSON.stringify(frameContentType(message.contentType))},"content":`;
  let tail = `,"at":${message.at}`;
  if (message.key !== undefined) tail += `,"key":${JSON.stringify(message.key)}`;
  tail += message.ephemeral ? ',"ephemeral":true}' : "}";

  const { buffer, byteOffset, byteLength } = message.content;
  const content = Buffer.from(buffer, byteOffset, byteLength);
  switch (contentKind(message.contentType)) {
    case "text":
      return [head + JSON.stringify(content.toString()) + tail];
    case "json":
      return [head, content, tail];
    case "binary":
      return [`${head}"${content.toString("base64")}","encoding":"base64"${tail}`];
  }
}

/** Undefined properties are left out by JSON.stringify. */
function toJson(frame: Exclude<ServerFrame, MessageFrame>): object {
  switch (frame.type) {
    case "welcome":
      return {
        type: frame.type,
        session_id: frame.sessionId,
        user_id: frame.userId,
        node_id: frame.nodeId,
        position: positionToJson(frame.position),
        heartbeat_ms: frame.heartbeatMs,
      };
    case "joined":
      return {
        type: frame.type,
        id: frame.id,
        room: frame.room,
        position: positionToJson(frame.position),
        recovered: frame.recovered,
        ticket: frame.ticket,
      };
    case "resumed":
      return {
        type: frame.type,
        id: frame.id,
        position: positionToJson(frame.position),
        recovered: frame.recovered,
      };
    case "position":
      return { type: frame.type, position: positionToJson(frame.position) };
    case "gap":
      return {
        type: frame.type,
        room: frame.room,
        scope: frame.scope,
        position: positionToJson(frame.position),
      };
    case "reconnect":
      return { type: frame.type, after_ms: frame.afterMs, reason: frame.reason };
    case "token_accepted":
      return { type: frame.type, expires_at: frame.expiresAt };
    case "left":
      return { type: frame.type, id: frame.id, room: frame.room };
    case "pong":
      return { type: frame.type };
    case "error":
      return { type: frame.type, id: frame.id, code: frame.code, message: frame.message };
  }
}
