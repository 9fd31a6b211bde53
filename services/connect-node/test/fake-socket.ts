import { clientCodec, OPCODE, type ServerFrame, type Subprotocol } from "@pushcast/wire";
import type { SessionSocket } from "../src/session.ts";

/** A socket whose reader reads as the test says. */
export class FakeSocket implements SessionSocket {
  /** Everything that was written, write by write. */
  readonly writes: Buffer[] = [];
  reading = true;
  closed: { code: number; reason: string } | undefined;
  queuedBytes = 0;
  /** The most that ever was queued. */
  mostQueuedBytes = 0;
  /** What a write takes on this socket. */
  onWrite = () => {};
  /** Bytes that the reader takes before it stops. */
  #takes = Number.POSITIVE_INFINITY;

  write(frames: Buffer): void {
    this.onWrite();
    this.writes.push(frames);
    const taken = Math.min(this.#takes, frames.byteLength);
    this.#takes -= taken;
    this.queuedBytes += frames.byteLength - taken;
    this.mostQueuedBytes = Math.max(this.mostQueuedBytes, this.queuedBytes);
  }

  setReading(reading: boolean): void {
    this.reading = reading;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  /** The reader reads nothing more, or only so many bytes. */
  stop(afterBytes = 0): void {
    this.#takes = afterBytes;
  }

  /**
   * The reader reads what is queued, and then so many bytes.
   * @returns whether there was anything queued, and is not any more: then a real one says `drain`
   */
  read(bytes = Number.POSITIVE_INFINITY): boolean {
    if (this.queuedBytes === 0) {
      this.#takes = bytes;
      return false;
    }
    const taken = Math.min(bytes, this.queuedBytes);
    this.queuedBytes -= taken;
    this.#takes = bytes - taken;
    return this.queuedBytes === 0;
  }
}

export type SentFrame = ServerFrame | { readonly type: "ping frame" };

/** The frames in bytes that a server wrote: each message one WebSocket frame, whole and unmasked. */
export function parseFrames(bytes: Buffer, subprotocol: Subprotocol): SentFrame[] {
  const codec = clientCodec(subprotocol);
  const frames: SentFrame[] = [];
  for (const { opcode, payload } of wholeFrames(bytes)) {
    if (opcode === OPCODE.ping) {
      frames.push({ type: "ping frame" });
      continue;
    }
    const decoded = codec.decode(payload, opcode === OPCODE.binary);
    if (!decoded.ok) throw new Error(decoded.problem);
    frames.push(decoded.frame);
  }
  return frames;
}

/** Each message one WebSocket frame, whole and unmasked. @throws Error if it is not */
export function* wholeFrames(
  bytes: Buffer,
): IterableIterator<{ readonly opcode: number; readonly payload: Buffer }> {
  for (let at = 0; at < bytes.byteLength; ) {
    const opcode = bytes.readUInt8(at) & 0x0f;
    const isWhole = (bytes.readUInt8(at) & 0xf0) === 0x80;
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const payload = bytes.subarray(at, at + length);
    at += length;
    if (!isWhole || payload.byteLength < length) throw new Error("not whole frames");
    yield { opcode, payload };
  }
}
