import { connect, type Socket } from "node:net";
import { type Histogram, Sequence } from "@pushcast/cli/measuring";
import {
  CONTENT_BYTES,
  MARK,
  MARK_BYTES,
  monotonicMicros,
  readNumber,
  readSentMicros,
} from "./content.ts";
import type { Dialect } from "./dialects.ts";
import { clientFrame, FrameReader, type FrameSink, OPCODE } from "./frames.ts";
import { HEAD_END, writeUpgrade } from "./upgrade.ts";

/** All sockets are read into the same memory: what is left of a read is copied. */
const RECEIVED = Buffer.allocUnsafe(256 * 1024);
/** Shorter rests of a stream are the end of a message and not the beginning of the next. */
const MIN_KEPT_REST_BYTES = 3;
const NOTHING = Buffer.alloc(0);

/** Where the last content was found; it is looked for there first. */
let guessedDistance = 0;
let receivedMicros = 0;

export interface LoadClientInit {
  readonly host: string;
  readonly port: number;
  readonly dialect: Dialect;
  readonly room: string;
  /** Unique among all clients. */
  readonly number: number;
}

/** One WebSocket that reads its room's messages for next to no processor time. */
export class LoadClient implements FrameSink {
  sequence = new Sequence(0);
  isClosed = false;
  receivedBytes = 0;
  latencies: Histogram;
  readonly #init: LoadClientInit;
  readonly #frames = new FrameReader(this);
  #socket: Socket | undefined;
  #head = "";
  #isUpgraded = false;
  #isIn = false;
  #streamRest = NOTHING;
  #onIn: (() => void) | undefined;

  constructor(init: LoadClientInit, latencies: Histogram) {
    this.#init = init;
    this.latencies = latencies;
  }

  /** Resolves when it is in its room. */
  open(): Promise<void> {
    const { host, port, dialect, room, number } = this.#init;
    return new Promise((resolve, reject) => {
      this.#onIn = resolve;
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: {
          buffer: RECEIVED,
          callback: (bytes) => {
            this.#receive(bytes);
            return true;
          },
        },
      });
      this.#socket = socket;
      socket.on("error", reject);
      socket.on("close", () => {
        this.isClosed = true;
        reject(new Error(`client ${number} was closed; it was answered ${this.#head}`));
      });
      const { subprotocol } = dialect;
      writeUpgrade(socket, { host, port, path: dialect.path(room, number), subprotocol });
    });
  }

  onFrame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === OPCODE.ping) {
      this.#socket?.write(clientFrame(OPCODE.pong, Buffer.from(bytes.subarray(start, end))));
    } else if (opcode === OPCODE.close) {
      this.#socket?.destroy();
    } else if (!this.#isIn) {
      this.#greeted(bytes.toString("latin1", start, end));
    } else if (this.#init.dialect.isStream === true) {
      this.#readStream(bytes.subarray(start, end));
    } else {
      const at = findContent(bytes, start, end);
      if (at >= 0) this.#readContent(bytes, at);
      else this.#answerHeartbeat(bytes.subarray(start, end));
    }
  }

  #receive(length: number): void {
    receivedMicros = monotonicMicros();
    this.receivedBytes += length;
    if (this.#isUpgraded) this.#frames.read(RECEIVED.subarray(0, length));
    else this.#receiveHead(length);
  }

  #receiveHead(length: number): void {
    const { dialect, room, number } = this.#init;
    const before = this.#head.length;
    this.#head += RECEIVED.toString("latin1", 0, length);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return;
    if (!this.#head.startsWith("HTTP/1.1 101")) {
      this.#socket?.destroy();
      return;
    }
    this.#isUpgraded = true;
    if (dialect.greet !== undefined) this.#socket?.write(dialect.greet(room, number));
    if (dialect.isInByPath === true) this.#enter();
    this.#frames.read(RECEIVED.subarray(end + HEAD_END.length - before, length));
  }

  #greeted(payload: string): void {
    const step = this.#init.dialect.answer?.(payload, this.#init.room);
    if (step === "in") this.#enter();
    else if (Buffer.isBuffer(step)) this.#socket?.write(step);
  }

  #enter(): void {
    this.#isIn = true;
    this.#onIn?.();
  }

  /** A message may begin in one frame and end in another. */
  #readStream(payload: Buffer): void {
    const stream =
      this.#streamRest.length === 0 ? payload : Buffer.concat([this.#streamRest, payload]);
    let at = 0;
    for (
      let found = findContent(stream, at, stream.length);
      found >= 0;
      found = findContent(stream, at, stream.length)
    ) {
      this.#readContent(stream, found);
      at = found + CONTENT_BYTES;
    }
    const rest = stream.subarray(at);
    const isHeartbeat = this.#answerHeartbeat(rest);
    this.#streamRest =
      rest.length < MIN_KEPT_REST_BYTES || isHeartbeat ? NOTHING : Buffer.from(rest);
  }

  #answerHeartbeat(payload: Buffer): boolean {
    const { heartbeat } = this.#init.dialect;
    if (heartbeat === undefined || !payload.toString("latin1").endsWith(heartbeat.payload)) {
      return false;
    }
    this.#socket?.write(heartbeat.answer);
    return true;
  }

  #readContent(bytes: Buffer, at: number): void {
    if (!this.sequence.receive(readNumber(bytes, at))) return;
    this.latencies.add(receivedMicros - readSentMicros(bytes, at));
  }
}

/** Where a whole content begins; -1 where there is none. */
function findContent(bytes: Buffer, start: number, end: number): number {
  const guess = start + guessedDistance;
  if (guess + CONTENT_BYTES <= end && bytes.readUInt32BE(guess) === MARK) return guess;
  if (start + CONTENT_BYTES > end) return -1;
  const found = bytes.indexOf(MARK_BYTES, start);
  if (found < 0 || found + CONTENT_BYTES > end) return -1;
  guessedDistance = found - start;
  return found;
}
