import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { InboxSocket } from "./inbox.ts";
import type { SessionSocket } from "./session.ts";

/**
 * Fits a `ws` connection to what a session needs. Messages are written to the TCP socket as whole
 * frames, beside `ws`: the same bytes go to every member of a room. That is safe because `ws` writes
 * a frame in one piece too, compression is off, and nothing here is sent in fragments.
 */
export class ClientSocket implements SessionSocket, InboxSocket {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  /** Its client reads what it is answered. */
  #isReading = true;
  /** What it has sent is served. */
  #isServed = true;

  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws;
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(frames: Buffer): void {
    // Once a close frame was sent or answered, RFC 6455 allows no other frame after it.
    if (this.#ws.readyState === WebSocket.OPEN && this.#socket.writable) this.#socket.write(frames);
  }

  writeTogether(write: () => void): void {
    this.#socket.cork();
    try {
      write();
    } finally {
      this.#socket.uncork();
    }
  }

  setReading(reading: boolean): void {
    this.#isReading = reading;
    this.#readOrPause();
  }

  setServed(served: boolean): void {
    this.#isServed = served;
    this.#readOrPause();
  }

  close(code: number, reason: string): void {
    // A paused connection would not see the client's answer.
    this.#isReading = true;
    this.#isServed = true;
    this.#readOrPause();
    try {
      this.#ws.close(code, reason);
    } catch {
      // `ws` refuses codes that RFC 6455 reserves.
      this.#ws.terminate();
    }
  }

  #readOrPause(): void {
    const reads = this.#isReading && this.#isServed;
    if (reads === !this.#ws.isPaused) return;
    if (reads) this.#ws.resume();
    else this.#ws.pause();
  }
}
