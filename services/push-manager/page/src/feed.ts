import { readEvents, ServerError } from "./server.ts";

export interface FeedListener {
  onEvent(name: string, data: unknown): void;
  /** It is over, and is opened again after a while. */
  onDown(reason: string): void;
  /** It is not opened again by itself: it needs another token, or another request. */
  onRefused(error: ServerError): void;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** Every feed says something every few seconds; one that does not has lost its manager. */
const SILENT_MS = 12_000;

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
      const error = await this.#read().catch((thrown: unknown) => thrown);
      if (signal.aborted) return;
      if (error instanceof ServerError && error.isFinal) {
        this.#listener.onRefused(error);
        return;
      }
      this.#listener.onDown(error instanceof Error ? error.message : "the connection has ended");
      await this.#wait();
    }
  }

  /** Until it ends, fails, or is silent. */
  async #read(): Promise<void> {
    const silent = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENT_MS);
    };
    const { signal } = this.#closed;
    listen();
    try {
      await readEvents(this.#path, AbortSignal.any([signal, silent.signal]), (name, data) => {
        listen();
        this.#failures = 0;
        if (!signal.aborted) this.#listener.onEvent(name, data);
      });
    } catch (error) {
      if (!silent.signal.aborted) throw error;
      throw new ServerError(0, "SILENT", "nothing is heard of the push-manager");
    } finally {
      clearTimeout(timer);
    }
  }

  /** Longer each time, and not all consoles at once. */
  #wait(): Promise<void> {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    return new Promise((resolve) => setTimeout(resolve, delayMs * (0.5 + Math.random() / 2)));
  }
}
