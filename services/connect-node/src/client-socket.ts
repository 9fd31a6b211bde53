import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { AddressCount } from "./address-counts.ts";
import type { InboxSocket } from "./inbox.ts";
import type { Session, SessionSocket } from "./session.ts";

/** A connection that knows its session, so that all connections can share their listeners. */
export class ClientWebSocket extends WebSocket {
  /** They are set as soon as it is accepted, before anything is read from it. */
  session!: Session;
  clientSocket!: ClientSocket;
  addressCount!: AddressCount;
}

/**
 * Fits a `ws` connection to what a session needs. Messages are written to the TCP socket as whole
 * frames, beside `ws`: the same bytes go to every member of a room. That is safe because `ws` writes
 * a frame in one piece too, compression is off, and nothing here is sent in fragments.
 */
export class ClientSocket implements SessionSocket, InboxSocket {
  readonly #ws: ClientWebSocket;
  readonly #socket: Socket;
  readonly #onDrained: (ws: ClientWebSocket) => void;
  /** Most sockets never are so full that they have to tell. */
  #tellsDrained = false;
  /** Its client reads what it is answered. */
  #isReading = true;
  /** What it has sent is served. */
  #isServed = true;

  /** @param onDrained the socket has taken everything, after it was above its high-water mark */
  constructor(ws: ClientWebSocket, socket: Socket, onDrained: (ws: ClientWebSocket) => void) {
    this.#ws = ws;
    this.#socket = socket;
    this.#onDrained = onDrained;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(frames: Buffer): void {
    // Once a close frame was sent or answered, RFC 6455 allows no other frame after it.
    if (this.#ws.readyState !== WebSocket.OPEN || !this.#socket.writable) return;
    const hasRoom = this.#socket.write(frames);
    if (!hasRoom && !this.#tellsDrained) this.#tellDrained();
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

  #tellDrained(): void {
    this.#tellsDrained = true;
    this.#socket.on("drain", () => this.#onDrained(this.#ws));
  }

  #readOrPause(): void {
    const reads = this.#isReading && this.#isServed;
    if (reads === !this.#ws.isPaused) return;
    if (reads) this.#ws.resume();
    else this.#ws.pause();
  }
}
