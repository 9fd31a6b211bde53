import type { Clock } from "@pushcast/runtime";

/** How much a caller may do: so many calls a second in the long run, so many at once after a quiet time. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Calls of one caller, counted against its limit. */
export class Rate {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  /** Calls that may be made at once. */
  #left: number;
  #updatedAtMs: number;

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.#left = limit.burst;
    this.#updatedAtMs = clock.monotonicMs();
  }

  /** Whether one more is within the limit; then it is counted. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const regained = ((nowMs - this.#updatedAtMs) / 1000) * this.#limit.perSecond;
    this.#left = Math.min(this.#limit.burst, this.#left + regained);
    this.#updatedAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
