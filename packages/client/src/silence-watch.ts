import type { Clock } from "./clock.ts";

/** How long to wait for the answer to a ping. */
const PONG_TIMEOUT_MS = 5_000;

/** Finds out that a connection is dead though nobody said so: after a silence it asks once. */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #ping: () => void;
  readonly #onDead: () => void;
  #timer: unknown;
  #lastFrameMs: number;
  #isAsking = false;

  /** @param init.quietMs how long it may be silent before it is asked */
  constructor(init: { clock: Clock; quietMs: number; ping: () => void; onDead: () => void }) {
    this.#clock = init.clock;
    this.#quietMs = init.quietMs;
    this.#ping = init.ping;
    this.#onDead = init.onDead;
    this.#lastFrameMs = init.clock.monotonicMs();
    this.#wait(init.quietMs);
  }

  /** A frame came. */
  heard(): void {
    this.#lastFrameMs = this.#clock.monotonicMs();
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.stop();
    this.#wait(this.#quietMs);
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#due(), ms);
  }

  #due(): void {
    if (this.#isAsking) {
      this.#onDead();
      return;
    }
    const leftMs = this.#quietMs - (this.#clock.monotonicMs() - this.#lastFrameMs);
    if (leftMs > 0) {
      this.#wait(leftMs);
      return;
    }
    this.#isAsking = true;
    this.#wait(PONG_TIMEOUT_MS);
    this.#ping();
  }
}
