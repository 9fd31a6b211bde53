import { type Pieces, piecesByteLength, writePieces } from "./pieces.ts";

/** RFC 6455 §5.2. */
export const OPCODE = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

export type Opcode = (typeof OPCODE)[keyof typeof OPCODE];

const FIN = 0x80;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

/** A WebSocket frame as a server sends it: unmasked, in one fragment, without compression. */
export function websocketFrame(opcode: Opcode, payload: Uint8Array): Buffer {
  return websocketFrameOf(opcode, [payload]);
}

/** The same with a payload in pieces, which are copied once. */
export function websocketFrameOf(opcode: Opcode, payload: Pieces): Buffer {
  const payloadBytes = piecesByteLength(payload);
  const headerBytes = payloadBytes < LENGTH_IN_16_BITS ? 2 : payloadBytes <= 0xffff ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + payloadBytes);
  frame[0] = FIN | opcode;
  if (headerBytes === 2) {
    frame[1] = payloadBytes;
  } else if (headerBytes === 4) {
    frame[1] = LENGTH_IN_16_BITS;
    frame.writeUInt16BE(payloadBytes, 2);
  } else {
    frame[1] = LENGTH_IN_64_BITS;
    frame.writeBigUInt64BE(BigInt(payloadBytes), 2);
  }
  writePieces(payload, frame, headerBytes);
  return frame;
}

/** A ping without payload. */
export const PING_FRAME: Buffer = websocketFrame(OPCODE.ping, new Uint8Array(0));
