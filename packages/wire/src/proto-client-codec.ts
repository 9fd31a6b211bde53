import {
  ClientFrame as ClientFrameProto,
  ServerFrame as ServerFrameProto,
} from "@pushcast/api/client";
import type { ClientFrame } from "./client-frame.ts";
import type { ClientCodec } from "./client-side.ts";
import { PROTO_SUBPROTOCOL } from "./codec.ts";
import type { UncheckedFields } from "./fields.ts";
import { positionToProto } from "./position.ts";
import { toBigInt, toNumber, toNumbers } from "./proto-integers.ts";
import { checkServerFrame, type ServerFrameResult } from "./server-frame-rules.ts";

/** The client's side of `pushcast.v1.proto`. */
export const protoClientCodec: ClientCodec = {
  subprotocol: PROTO_SUBPROTOCOL,
  binary: true,
  encode: (frame) => Buffer.from(ClientFrameProto.encode({ frame: toProto(frame) }).finish()),
  decode,
};

function toProto(frame: ClientFrame): ClientFrameProto["frame"] {
  switch (frame.type) {
    case "join":
      return {
        $case: "join",
        value: {
          id: toBigInt(frame.id),
          room: frame.room,
          position: frame.position && positionToProto(frame.position),
          awayMs: toBigInt(frame.awayMs),
          ticket: frame.ticket,
        },
      };
    case "leave":
      return { $case: "leave", value: { id: toBigInt(frame.id), room: frame.room } };
    case "resume":
      return {
        $case: "resume",
        value: {
          id: toBigInt(frame.id),
          position: positionToProto(frame.position),
          awayMs: BigInt(frame.awayMs),
        },
      };
    case "token":
      return { $case: "token", value: { token: frame.token } };
    case "ping":
      return { $case: "ping", value: {} };
  }
}

function decode(data: Buffer, isBinary: boolean): ServerFrameResult {
  if (!isBinary) return { ok: false, problem: "not a binary frame" };
  try {
    return checkFrame(ServerFrameProto.decode(data).frame);
  } catch {
    return { ok: false, problem: "not a ServerFrame" };
  }
}

function checkFrame(frame: ServerFrameProto["frame"]): ServerFrameResult {
  if (frame === undefined) return checkServerFrame(undefined, {});
  const type = frame.$case === "tokenAccepted" ? "token_accepted" : frame.$case;
  return checkServerFrame(type, fieldsOf(frame));
}

function fieldsOf(frame: NonNullable<ServerFrameProto["frame"]>): UncheckedFields {
  switch (frame.$case) {
    case "welcome":
      return {
        session_id: frame.value.sessionId,
        user_id: frame.value.userId,
        node_id: frame.value.nodeId,
        position: toNumbers(frame.value.position?.seqs),
        heartbeat_ms: frame.value.heartbeatMs,
      };
    case "joined":
    case "resumed":
      return {
        ...frame.value,
        id: toNumber(frame.value.id),
        position: toNumbers(frame.value.position?.seqs),
      };
    case "left":
    case "error":
      return { ...frame.value, id: toNumber(frame.value.id) };
    case "message":
      return {
        ...frame.value,
        content_type: frame.value.contentType,
        at: toNumber(frame.value.at),
        ephemeral: frame.value.ephemeral || undefined,
      };
    case "position":
    case "gap":
      return { ...frame.value, position: toNumbers(frame.value.position?.seqs) };
    case "reconnect":
      return { after_ms: frame.value.afterMs, reason: frame.value.reason };
    case "tokenAccepted":
      return { expires_at: toNumber(frame.value.expiresAt) };
    case "pong":
      return {};
  }
}
