import type { SlicedQueue } from "./sliced-queue.ts";

/** What the inbox needs of a client's connection. */
export interface InboxSocket {
  /** Stops or goes on reading from a client that has sent more than is served. */
  setServed(served: boolean): void;
  /** Queues all that is written meanwhile as one write. */
  writeTogether(write: () => void): void;
}

/** What a message that waits costs besides its bytes, rounded up. */
const MESSAGE_OVERHEAD_BYTES = 256;
/** A client with more than this waiting is not read from until it has been served. */
const MAX_WAITING_BYTES = 16_384;
/** Messages of one client before another has its turn. */
const SERVED_TOGETHER = 16;

/** Serves a message: at once, or it resolves when that is done. It never rejects. */
export type ServeMessage = () => Promise<void> | undefined;

interface Message {
  readonly bytes: number;
  readonly serve: ServeMessage;
}

interface Waiting {
  readonly messages: Message[];
  bytes: number;
}

/**
 * What clients have sent and the node has not served yet. A client waits in the queue once, however
 * many messages it has sent; those that wait together are answered in one write. While one of its
 * messages takes longer, its later ones wait, and other clients are served.
 */
export class Inbox {
  readonly #queue: SlicedQueue;
  readonly #waiting = new Map<InboxSocket, Waiting>();

  constructor(queue: SlicedQueue) {
    this.#queue = queue;
  }

  /** Serves a message of `bytes` soon, after those that its client sent before. */
  add(socket: InboxSocket, bytes: number, serve: ServeMessage): void {
    let waiting = this.#waiting.get(socket);
    if (waiting === undefined) {
      waiting = { messages: [], bytes: 0 };
      this.#waiting.set(socket, waiting);
      this.#enqueue(socket, waiting);
    }
    const message = { bytes: bytes + MESSAGE_OVERHEAD_BYTES, serve };
    waiting.messages.push(message);
    waiting.bytes += message.bytes;
    if (waiting.bytes > MAX_WAITING_BYTES) socket.setServed(false);
  }

  #enqueue(socket: InboxSocket, waiting: Waiting): void {
    this.#queue.add(() => {
      let unfinished: Promise<void> | undefined;
      socket.writeTogether(() => {
        unfinished = serveSome(waiting);
      });
      if (unfinished === undefined) this.#goOn(socket, waiting);
      else void unfinished.then(() => this.#goOn(socket, waiting));
    });
  }

  #goOn(socket: InboxSocket, waiting: Waiting): void {
    if (waiting.messages.length > 0) {
      this.#enqueue(socket, waiting);
      return;
    }
    this.#waiting.delete(socket);
    socket.setServed(true);
  }
}

/** @returns what is to be waited for before its client's next message */
function serveSome(waiting: Waiting): Promise<void> | undefined {
  for (let served = 0; served < SERVED_TOGETHER; served += 1) {
    const message = waiting.messages.shift();
    if (message === undefined) return undefined;
    waiting.bytes -= message.bytes;
    const unfinished = message.serve();
    if (unfinished !== undefined) return unfinished;
  }
  return undefined;
}
