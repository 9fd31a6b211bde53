import {
  ClientFrame as ClientFrameProto,
  Message as MessageProto,
  ServerFrame as ServerFrameProto,
} from "@pushcast/api/client";
import { checkClientFrame } from "./client-frame-rules.ts";
import { closeReason } from "./close-codes.ts";
import { type Codec, type DecodeResult, PROTO_SUBPROTOCOL } from "./codec.ts";
import { frameContentType } from "./content.ts";
import type { UncheckedFields } from "./fields.ts";
import { joinPieces, type Pieces } from "./pieces.ts";
import { positionToProto } from "./position.ts";
import { isWellFormed, type MessageShape } from "./proto-framing.ts";
import { toBigInt, toNumber, toNumbers } from "./proto-integers.ts";
import type { MessageFrame, ServerFrame } from "./server-frame.ts";
import { OPCODE, websocketFrameOf } from "./websocket-frame.ts";

/** `pushcast.v1.proto`: one ClientFrame or ServerFrame in each binary frame. */
export const protoCodec: Codec = {
  subprotocol: PROTO_SUBPROTOCOL,
  binary: true,
  decode,
  encode: (frame) => joinPieces(encodeToPieces(frame)),
  encodeFramed: (frame) => websocketFrameOf(OPCODE.binary, encodeToPieces(frame)),
};

const POSITION_SHAPE: MessageShape = { 1: { 1: "string" } };
const CLIENT_FRAME_SHAPE: MessageShape = {
  1: { 2: "string", 3: POSITION_SHAPE, 5: "string" },
  2: { 2: "string" },
  3: { 2: POSITION_SHAPE },
  4: { 1: "string" },
  5: {},
};

function decode(data: Buffer, isBinary: boolean): DecodeResult {
  if (!isBinary) return notAFrame(`text frame on ${PROTO_SUBPROTOCOL}`);
  if (!isWellFormed(data, CLIENT_FRAME_SHAPE)) return notAFrame("not a ClientFrame");
  try {
    const { frame } = ClientFrameProto.decode(data);
    return checkClientFrame(frame?.$case, fieldsOf(frame));
  } catch {
    return notAFrame("not a ClientFrame");
  }
}

function notAFrame(reason: string): DecodeResult {
  return { ok: false, close: closeReason("INVALID_FRAME", reason) };
}

function fieldsOf(frame: ClientFrameProto["frame"]): UncheckedFields {
  switch (frame?.$case) {
    case "join":
      return {
        id: toNumber(frame.value.id),
        room: frame.value.room,
        position: toNumbers(frame.value.position?.seqs),
        away_ms: toNumber(frame.value.awayMs),
        ticket: frame.value.ticket,
      };
    case "leave":
      return { id: toNumber(frame.value.id), room: frame.value.room };
    case "resume":
      return {
        id: toNumber(frame.value.id),
        position: toNumbers(frame.value.position?.seqs),
        away_ms: toNumber(frame.value.awayMs),
      };
    case "token":
      return { token: frame.value.token };
    default:
      return {};
  }
}

function encodeToPieces(frame: ServerFrame): Pieces {
  if (frame.type === "message") return messagePieces(frame);
  return [ServerFrameProto.encode({ frame: toProto(frame) }).finish()];
}

const NO_CONTENT = Buffer.alloc(0);
const LENGTH_DELIMITED = 2;
const MESSAGE_TAG = (5 << 3) | LENGTH_DELIMITED;
const CONTENT_TAG = (5 << 3) | LENGTH_DELIMITED;

/** Content goes last, behind the other fields, so that it is copied only into the result. */
function messagePieces(message: MessageFrame): Pieces {
  const fields = MessageProto.encode({
    id: message.id,
    room: message.room,
    target: message.target,
    contentType: frameContentType(message.contentType),
    content: NO_CONTENT,
    at: BigInt(message.at),
    key: message.key,
    ephemeral: message.ephemeral ?? false,
  }).finish();
  const contentHead = Uint8Array.of(CONTENT_TAG, ...varint(message.content.length));
  const messageBytes = fields.length + contentHead.length + message.content.length;
  const messageHead = Uint8Array.of(MESSAGE_TAG, ...varint(messageBytes));
  return [messageHead, fields, contentHead, message.content];
}

function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

function toProto(frame: Exclude<ServerFrame, MessageFrame>): ServerFrameProto["frame"] {
  switch (frame.type) {
    case "welcome":
      return {
        $case: "welcome",
        value: { ...frame, position: positionToProto(frame.position) },
      };
    case "joined":
      return {
        $case: "joined",
        value: { ...frame, id: toBigInt(frame.id), position: positionToProto(frame.position) },
      };
    case "left":
      return { $case: "left", value: { ...frame, id: toBigInt(frame.id) } };
    case "resumed":
      return {
        $case: "resumed",
        value: { ...frame, id: toBigInt(frame.id), position: positionToProto(frame.position) },
      };
    case "position":
      return { $case: "position", value: { position: positionToProto(frame.position) } };
    case "gap":
      return {
        $case: "gap",
        value: { ...frame, position: positionToProto(frame.position) },
      };
    case "reconnect":
      return { $case: "reconnect", value: { ...frame } };
    case "token_accepted":
      return { $case: "tokenAccepted", value: { expiresAt: BigInt(frame.expiresAt) } };
    case "pong":
      return { $case: "pong", value: {} };
    case "error":
      return { $case: "error", value: { ...frame, id: toBigInt(frame.id) } };
  }
}
