import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { splitHead, upgradeRequest } from "./raw-socket.ts";
import { type StrictFrame, strictFrames } from "./strict-frames.ts";

/** A WebSocket connection of which the test writes and reads the bytes. It answers no ping by itself. */
export class RawSession {
  readonly socket: Socket;
  /** The connection is gone, by whomever. */
  readonly ended: Promise<void>;
  #received: Buffer;

  private constructor(socket: Socket, body: Buffer) {
    this.socket = socket;
    this.#received = body;
    this.ended = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
  }

  /** Resolves when the server has switched protocols. @param more header lines, each with its CRLF */
  static async open(port: number, userId: string, more = ""): Promise<RawSession> {
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => {});
    socket.write(upgradeRequest(userId, more));
    let received = Buffer.alloc(0);
    for (;;) {
      const [chunk] = (await once(socket, "data")) as [Buffer];
      received = Buffer.concat([received, chunk]);
      const answer = splitHead(received);
      if (answer === undefined) continue;
      if (!answer.head.startsWith("HTTP/1.1 101 ")) throw new Error(answer.head);
      return new RawSession(socket, Buffer.from(answer.body));
    }
  }

  /** All whole frames. @throws Error if one breaks RFC 6455 */
  get frames(): StrictFrame[] {
    return strictFrames(this.#received).frames;
  }

  endsWith(bytes: Buffer): boolean {
    return this.#received.subarray(-bytes.length).equals(bytes);
  }

  /** Of the close frame, if it has come. */
  get closeCode(): number | undefined {
    const last = this.frames.at(-1);
    return last?.opcode === 0x8 ? last.payload.readUInt16BE(0) : undefined;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Looks at the condition with all that comes. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.socket.closed) throw new Error("the connection ended before");
      await Promise.race([once(this.socket, "data"), this.ended]);
    }
  }
}
