const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 1_000;

/**
 * How long to wait after so many failures in a row (1, 2, 3 …), in milliseconds: from 225 ms, so
 * that nothing is ever tried five times a second, to 1 s, so that a registry that is back is used
 * soon. The jitter keeps many processes from trying in step.
 */
export function retryDelayMs(failures: number, random: () => number = Math.random): number {
  const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
  return Math.round(delayMs * (0.75 + 0.25 * random()));
}

/** A sleep that can be ended early. One sleeper at a time. */
export class Alarm {
  #ring: (() => void) | undefined;

  /** Resolves after the time, or when woken. */
  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const ring = () => {
        clearTimeout(timer);
        this.#ring = undefined;
        resolve();
      };
      const timer = setTimeout(ring, durationMs);
      this.#ring = ring;
    });
  }

  /** Ends the sleep under way; without one it does nothing. */
  wake(): void {
    this.#ring?.();
  }
}

/** A promise that is resolved from outside. */
export class Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;

  constructor() {
    let resolvePromise: () => void = () => {};
    this.promise = new Promise((resolve) => {
      resolvePromise = resolve;
    });
    this.resolve = resolvePromise;
  }
}

/** Waits for the promise, but no longer than the time. Never rejects by itself. */
export async function atMost(durationMs: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  await Promise.race([promise, timeUp]);
  clearTimeout(timer);
}

/** What was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
