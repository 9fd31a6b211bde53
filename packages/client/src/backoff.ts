export interface BackoffInit {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly random: () => number;
}

/** Waits between attempts to connect: random, and longer with each failure. */
export class Backoff {
  readonly #init: BackoffInit;
  #failures = 0;

  constructor(init: BackoffInit) {
    this.#init = init;
  }

  /**
   * Counts a failure. Spread over the whole range up to a limit that doubles with each: clients that
   * lost the same node do not come back together.
   * @returns how long to wait after it
   */
  failed(): number {
    const { minDelayMs, maxDelayMs, random } = this.#init;
    this.#failures += 1;
    const limitMs = Math.min(maxDelayMs, minDelayMs * 2 ** this.#failures);
    return minDelayMs + Math.floor(random() * (limitMs - minDelayMs));
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
