import type { Clock } from "./clock.ts";

/** A longer timer would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** One timer: setting it anew clears the one before. */
export class Timer {
  readonly #clock: Clock;
  #handle: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isSet(): boolean {
    return this.#handle !== undefined;
  }

  /** @param ms bounded to what timers can do: 24 days */
  set(ms: number, fn: () => void): void {
    this.clear();
    const fire = () => {
      this.#handle = undefined;
      fn();
    };
    this.#handle = this.#clock.setTimeout(fire, Math.min(Math.max(0, ms), LONGEST_MS));
  }

  clear(): void {
    this.#clock.clearTimeout(this.#handle);
    this.#handle = undefined;
  }
}
