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

interface Message {
  readonly bytes: number;
  readonly serve: () => void;
}

interface Waiting {
  readonly messages: Message[];
  bytes: number;
}

/**
 * What clients have sent and the node has not served yet. A client waits in the queue once, however
 * many messages it has sent; those that wait together are answered in one write.
 */
export class Inbox {
  readonly #queue: SlicedQueue;
  readonly #waiting = new Map<InboxSocket, Waiting>();

  constructor(queue: SlicedQueue) {
    this.#queue = queue;
  }

  /** Serves a message of `bytes` soon, after those that its client sent before. */
  add(socket: InboxSocket, bytes: number, serve: () => void): void {
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
      socket.writeTogether(() => serveSome(waiting));
      if (waiting.messages.length > 0) {
        this.#enqueue(socket, waiting);
        return;
      }
      this.#waiting.delete(socket);
      socket.setServed(true);
    });
  }
}

function serveSome(waiting: Waiting): void {
  for (const { bytes, serve } of waiting.messages.splice(0, SERVED_TOGETHER)) {
    waiting.bytes -= bytes;
    serve();
  }
}
