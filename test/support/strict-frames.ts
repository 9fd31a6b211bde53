import { isUtf8 } from "node:buffer";

/** A WebSocket frame of a server. */
export interface StrictFrame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Bytes of its header. */
  readonly headerBytes: number;
}

const OPCODES = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;
const KNOWN: ReadonlySet<number> = new Set(Object.values(OPCODES));
const MAX_CONTROL_BYTES = 125;
/** RFC 6455 §7.4: those that may stand in a close frame. */
const isCloseCode = (code: number) =>
  (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) ||
  (code >= 3000 && code <= 4999);

/**
 * The frames in bytes that a server wrote, by RFC 6455 §5 to the letter and by what this protocol
 * promises besides: no fragments, no extensions. Written without a look at the code that writes them.
 * @returns the frames, and the bytes of one that is not whole
 * @throws Error that names the violation
 */
export function strictFrames(bytes: Buffer): { frames: StrictFrame[]; rest: Buffer } {
  const frames: StrictFrame[] = [];
  let at = 0;
  for (;;) {
    const frame = frameAt(bytes.subarray(at));
    if (frame === undefined) return { frames, rest: bytes.subarray(at) };
    if (frames.at(-1)?.opcode === OPCODES.close) throw new Error("a frame after the close frame");
    frames.push(frame);
    at += frame.headerBytes + frame.payload.length;
  }
}

function frameAt(bytes: Buffer): StrictFrame | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  const opcode = first & 0x0f;
  if ((first & 0x80) === 0) throw new Error("a fragment");
  if ((first & 0x70) !== 0) throw new Error("a reserved bit is set");
  if (!KNOWN.has(opcode)) throw new Error(`opcode ${opcode}`);
  if ((second & 0x80) !== 0) throw new Error("a server's frame is masked");
  const { headerBytes, length } = lengthOf(bytes, second & 0x7f) ?? {};
  if (headerBytes === undefined || length === undefined) return undefined;
  if (opcode >= OPCODES.close && length > MAX_CONTROL_BYTES)
    throw new Error("a long control frame");
  if (bytes.length < headerBytes + length) return undefined;
  const payload = bytes.subarray(headerBytes, headerBytes + length);
  if (opcode === OPCODES.text && !isUtf8(payload)) throw new Error("a text that is not UTF-8");
  if (opcode === OPCODES.close) checkClose(payload);
  return { opcode, payload, headerBytes };
}

/** Undefined if it is not whole. A length must be written in the shortest form. */
function lengthOf(
  bytes: Buffer,
  length7: number,
): { headerBytes: number; length: number } | undefined {
  if (length7 < 126) return { headerBytes: 2, length: length7 };
  if (length7 === 126) {
    if (bytes.length < 4) return undefined;
    const length = bytes.readUInt16BE(2);
    if (length < 126) throw new Error(`length ${length} in 16 bits`);
    return { headerBytes: 4, length };
  }
  if (bytes.length < 10) return undefined;
  const length = Number(bytes.readBigUInt64BE(2));
  if (length <= 0xffff || !Number.isSafeInteger(length))
    throw new Error(`length ${length} in 64 bits`);
  return { headerBytes: 10, length };
}

function checkClose(payload: Buffer): void {
  if (payload.length === 0) return;
  if (payload.length === 1) throw new Error("a close frame of one byte");
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) throw new Error(`close code ${code}`);
  if (!isUtf8(payload.subarray(2))) throw new Error("a reason that is not UTF-8");
}
