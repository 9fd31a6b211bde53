import { readEvents, ServerError } from "./server.ts";

export interface FeedListener {
  onEvent(name: string, data: unknown): void;
  /** It is over, and is opened again after a while. */
  onDown(reason: string): void;
  /** A token is needed, or another one; it is not opened again by itself. */
  onTokenNeeded(reason: string): void;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/** Events of the push-manager, for as long as they are wanted. */
export class Feed {
  readonly #path: string;
  readonly #listener: FeedListener;
  readonly #closed = new AbortController();
  #failures = 0;

  constructor(path: string, listener: FeedListener) {
    this.#path = path;
    this.#listener = listener;
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      const error = await readEvents(this.#path, signal, (name, data) => {
        this.#failures = 0;
        if (!signal.aborted) this.#listener.onEvent(name, data);
      }).catch((thrown: unknown) => thrown);
      if (signal.aborted) return;
      if (error instanceof ServerError && error.needsToken) {
        this.#listener.onTokenNeeded(error.code === "TOKEN_MISSING" ? "" : error.message);
        return;
      }
      this.#listener.onDown(error instanceof Error ? error.message : "the connection has ended");
      await this.#wait();
    }
  }

  /** Longer each time, and not all consoles at once. */
  #wait(): Promise<void> {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    return new Promise((resolve) => setTimeout(resolve, delayMs * (0.5 + Math.random() / 2)));
  }
}
