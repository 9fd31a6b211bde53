import type { ClientFrame } from "./client-frame.ts";
import type { DecodeResult } from "./codec.ts";
import { ERROR_CODES } from "./error-codes.ts";
import {
  type FieldProblem,
  FieldReader,
  isNonNegativeInteger,
  present,
  type UncheckedFields,
} from "./fields.ts";
import { idProblem } from "./ids.ts";
import { POSITION_ENTRIES_FROM_CLIENT } from "./position.ts";

/**
 * The rules of docs/protocol.md for what a client sends, the same for both subprotocols: a frame,
 * or the error that answers it.
 */
export function checkClientFrame(type: string | undefined, fields: UncheckedFields): DecodeResult {
  const reader = new FieldReader(fields, POSITION_ENTRIES_FROM_CLIENT);
  const frame = readFrame(type, reader);
  if (frame !== undefined && reader.problem === undefined) return { ok: true, frame };
  const problem = reader.problem ?? UNKNOWN_TYPE;
  const id = isNonNegativeInteger(fields.id) ? fields.id : undefined;
  return { ok: false, error: present({ id, ...problem }) };
}

const UNKNOWN_TYPE: FieldProblem = {
  code: "UNKNOWN_TYPE",
  message: ERROR_CODES.UNKNOWN_TYPE,
};

/** The order in which fields are read is the order in which their problems are said. */
function readFrame(type: string | undefined, reader: FieldReader): ClientFrame | undefined {
  switch (type) {
    case "join":
      return present({
        type,
        id: reader.optionalInteger("id"),
        room: readRoom(reader),
        position: reader.optionalPosition("position"),
        awayMs: readAwayMs(reader),
        ticket: reader.optionalString("ticket"),
      });
    case "leave":
      return present({ type, id: reader.optionalInteger("id"), room: readRoom(reader) });
    case "resume":
      return present({
        type,
        id: reader.optionalInteger("id"),
        position: reader.position("position"),
        awayMs: reader.integer("away_ms"),
      });
    case "token":
      return { type, token: readToken(reader) };
    case "ping":
      return { type };
    default:
      return undefined;
  }
}

function readRoom(reader: FieldReader): string {
  const room = reader.string("room");
  const problem = idProblem(room);
  if (problem !== undefined) reader.refuse("ROOM_INVALID", `room ${problem}`);
  return room;
}

function readAwayMs(reader: FieldReader): number | undefined {
  if (reader.has("position") && !reader.has("away_ms")) {
    reader.refuse("BAD_REQUEST", "away_ms is required beside a position");
  }
  return reader.optionalInteger("away_ms");
}

function readToken(reader: FieldReader): string {
  const token = reader.string("token");
  if (token === "") reader.refuse("BAD_REQUEST", "token must not be empty");
  return token;
}
