export const OPCODE = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

const FIN = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const NOTHING = Buffer.alloc(0);

/** A client's frame, masked with zeros, which leaves the payload as it is. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const isShort = payload.length < LENGTH_16;
  const header = Buffer.alloc((isShort ? 2 : 4) + MASK_BYTES);
  header[0] = FIN | opcode;
  header[1] = MASKED | (isShort ? payload.length : LENGTH_16);
  if (!isShort) header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

export function textFrame(text: string): Buffer {
  return clientFrame(OPCODE.text, Buffer.from(text));
}

export function binaryFrame(payload: Buffer): Buffer {
  return clientFrame(OPCODE.binary, payload);
}

export interface FrameSink {
  /** A whole frame; its payload is `bytes` from `start` to before `end`, and only until this returns. */
  onFrame(opcode: number, bytes: Buffer, start: number, end: number): void;
}

/** Takes a server's frames out of the bytes of a connection, without an object a frame. */
export class FrameReader {
  readonly #sink: FrameSink;
  #rest = NOTHING;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** `received` is not kept. */
  read(received: Buffer): void {
    const bytes = this.#rest.length === 0 ? received : Buffer.concat([this.#rest, received]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = (bytes[at + 1] ?? 0) & 0x7f;
      const start = at + (short < LENGTH_16 ? 2 : short === LENGTH_16 ? 4 : 10);
      if (bytes.length < start) break;
      const end = start + payloadLength(bytes, at, short);
      if (bytes.length < end) break;
      this.#sink.onFrame((bytes[at] ?? 0) & 0xf, bytes, start, end);
      at = end;
    }
    this.#rest = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
  }
}

function payloadLength(bytes: Buffer, at: number, short: number): number {
  if (short === LENGTH_16) return bytes.readUInt16BE(at + 2);
  // No peer sends a frame of 4 GiB.
  if (short === LENGTH_64) return bytes.readUInt32BE(at + 6);
  return short;
}
