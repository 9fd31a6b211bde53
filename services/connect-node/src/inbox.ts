import type { Clock } from "@pushcast/runtime";

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
/** How long clients are served before live delivery has its turn. */
const SLICE_MS = 5;

interface Message {
  readonly bytes: number;
  readonly serve: () => void;
}

interface Waiting {
  readonly messages: Message[];
  bytes: number;
}

/**
 * What clients have sent and the node has not served yet. When thousands resume at once, a thousand
 * messages may come in one turn of the event loop: they are served in slices, with live delivery in
 * between. Those of one client that wait together are answered in one write.
 */
export class Inbox {
  readonly #clock: Clock;
  readonly #waiting = new Map<InboxSocket, Waiting>();
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Serves a message of `bytes` soon, after those that its client sent before. */
  add(socket: InboxSocket, bytes: number, serve: () => void): void {
    let waiting = this.#waiting.get(socket);
    if (waiting === undefined) {
      waiting = { messages: [], bytes: 0 };
      this.#waiting.set(socket, waiting);
    }
    const message = { bytes: bytes + MESSAGE_OVERHEAD_BYTES, serve };
    waiting.messages.push(message);
    waiting.bytes += message.bytes;
    if (waiting.bytes > MAX_WAITING_BYTES) socket.setServed(false);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    const endsAtMs = this.#clock.monotonicMs() + SLICE_MS;
    for (const [socket, waiting] of this.#waiting) {
      this.#waiting.delete(socket);
      socket.writeTogether(() => serveSome(waiting));
      // At the end of the queue, and so perhaps once more in this slice.
      if (waiting.messages.length > 0) this.#waiting.set(socket, waiting);
      else socket.setServed(true);
      if (this.#clock.monotonicMs() >= endsAtMs) break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  };
}

function serveSome(waiting: Waiting): void {
  for (const { bytes, serve } of waiting.messages.splice(0, SERVED_TOGETHER)) {
    waiting.bytes -= bytes;
    serve();
  }
}
