import { connect, type Socket } from "node:net";

const OPCODE = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;
const FIN = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;
const HEAD_END = "\r\n\r\n";

export interface LeanSocketEvents {
  onOpen(): void;
  onText(text: string): void;
  /** The server answered the handshake with another status than 101. */
  onRefused(status: number, retryAfterSeconds: number): void;
  /** The connection ended, or could not be made, by no decision of this side. */
  onLost(): void;
}

/**
 * A WebSocket client that costs its process next to nothing, so that thousands of them are not what
 * a benchmark or a test measures. It trusts the server: frames are whole, unmasked and no longer than 64 KiB.
 */
export class LeanSocket {
  readonly #socket: Socket;
  readonly #events: LeanSocketEvents;
  #received: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #isOver = false;

  constructor(url: URL, events: LeanSocketEvents) {
    this.#events = events;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.write(
      [
        `GET ${url.pathname}${url.search} HTTP/1.1`,
        `Host: ${url.host}`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        HEAD_END.slice(2),
      ].join("\r\n"),
    );
    this.#socket.on("data", (data: Buffer) => this.#receive(data));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      if (this.#isOver) return;
      this.#isOver = true;
      events.onLost();
    });
  }

  /** Writes text frames at once. */
  send(texts: readonly string[]): void {
    this.#socket.write(Buffer.concat(texts.map((text) => frame(OPCODE.text, Buffer.from(text)))));
  }

  /** Ends the connection without a word, as a network does that is gone. */
  cut(): void {
    this.#isOver = true;
    this.#socket.resetAndDestroy();
  }

  #receive(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    if (!this.#isOpen && !this.#takeHead()) return;
    while (!this.#isOver && this.#takeFrame());
  }

  /** Returns whether frames may follow. */
  #takeHead(): boolean {
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return false;
    const head = this.#received.toString("latin1", 0, end);
    this.#received = this.#received.subarray(end + HEAD_END.length);
    const status = Number(head.split(" ", 2)[1]);
    if (status !== 101) {
      this.cut();
      const [, retryAfter] = /^retry-after: (\d+)/im.exec(head) ?? [];
      this.#events.onRefused(status, Number(retryAfter));
      return false;
    }
    this.#isOpen = true;
    this.#events.onOpen();
    return true;
  }

  /** Returns whether there was a whole one. */
  #takeFrame(): boolean {
    const received = this.#received;
    if (received.length < 2) return false;
    const length7 = received.readUInt8(1);
    const headerBytes = length7 < 126 ? 2 : 4;
    if (received.length < headerBytes) return false;
    const end = headerBytes + (length7 < 126 ? length7 : received.readUInt16BE(2));
    if (received.length < end) return false;
    this.#received = received.subarray(end);
    const opcode = received.readUInt8(0) & 0xf;
    if (opcode === OPCODE.text) this.#events.onText(received.toString("utf8", headerBytes, end));
    else if (opcode === OPCODE.ping) this.#socket.write(frame(OPCODE.pong, Buffer.alloc(0)));
    else if (opcode === OPCODE.close) this.#socket.destroy();
    return true;
  }
}

/** Masked with zeros, which leaves the payload as it is. */
function frame(opcode: number, payload: Buffer): Buffer {
  const header = Buffer.alloc((payload.length < 126 ? 2 : 4) + MASK_BYTES);
  header[0] = FIN | opcode;
  if (payload.length < 126) {
    header[1] = MASKED | payload.length;
  } else {
    header[1] = MASKED | 126;
    header.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([header, payload]);
}
