/** Waits between attempts to connect: random, and longer with each failure. */
export class Backoff {
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(init: { minDelayMs: number; maxDelayMs: number; random: () => number }) {
    this.#minDelayMs = init.minDelayMs;
    this.#maxDelayMs = init.maxDelayMs;
    this.#random = init.random;
  }

  /**
   * Counts a failure. Spread over the whole range up to a limit that doubles with each: clients that
   * lost the same node do not come back together.
   * @returns how long to wait after it
   */
  failed(): number {
    this.#failures += 1;
    const limitMs = Math.min(this.#maxDelayMs, this.#minDelayMs * 2 ** this.#failures);
    return this.#minDelayMs + Math.floor(this.#random() * (limitMs - this.#minDelayMs));
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
