import type { ClientFrame } from "./client-frame.ts";
import type { ClientCodec } from "./client-side.ts";
import { JSON_SUBPROTOCOL } from "./codec.ts";
import { contentKind } from "./content.ts";
import type { UncheckedFields } from "./fields.ts";
import { parseObject } from "./json-codec.ts";
import { positionToJson } from "./position.ts";
import { checkServerFrame, type ServerFrameResult } from "./server-frame-rules.ts";

/** The client's side of `pushcast.v1.json`. */
export const jsonClientCodec: ClientCodec = {
  subprotocol: JSON_SUBPROTOCOL,
  binary: false,
  encode: (frame) => Buffer.from(JSON.stringify(toJson(frame))),
  decode,
};

/** Undefined properties are left out by JSON.stringify. */
function toJson(frame: ClientFrame): object {
  switch (frame.type) {
    case "join":
      return {
        type: frame.type,
        id: frame.id,
        room: frame.room,
        position: frame.position && positionToJson(frame.position),
        away_ms: frame.awayMs,
        ticket: frame.ticket,
      };
    case "resume":
      return {
        type: frame.type,
        id: frame.id,
        position: positionToJson(frame.position),
        away_ms: frame.awayMs,
      };
    default:
      return frame;
  }
}

function decode(data: Buffer, isBinary: boolean): ServerFrameResult {
  const fields = isBinary ? undefined : parseObject(data);
  if (fields === undefined) return { ok: false, problem: "not a JSON object in a text frame" };
  if (typeof fields.type !== "string") return { ok: false, problem: "no string type" };
  if (fields.type !== "message") return checkServerFrame(fields.type, fields);
  return checkServerFrame("message", { ...fields, content: contentBytes(fields) });
}

function contentBytes(fields: UncheckedFields): Buffer | undefined {
  const { content, content_type: contentType, encoding } = fields;
  if (content === undefined || typeof contentType !== "string") return undefined;
  const kind = contentKind(contentType);
  if (kind === "json") return Buffer.from(JSON.stringify(content));
  if (typeof content !== "string") return undefined;
  if (kind === "text") return Buffer.from(content);
  return encoding === "base64" ? Buffer.from(content, "base64") : undefined;
}
