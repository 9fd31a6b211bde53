/** A timer of a {@link Clock}; only that clock knows what is inside. */
export type TimerHandle = unknown;

export interface TimerOptions {
  /** The process may end while this timer is pending. @default false */
  unref?: boolean;
}

/** Time, handed in wherever it is needed, so that tests decide when it passes. */
export interface Clock {
  /** Unix milliseconds; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. For durations. */
  monotonicMs(): number;
  setTimeout(fn: () => void, ms: number, options?: TimerOptions): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
  setInterval(fn: () => void, ms: number, options?: TimerOptions): TimerHandle;
  clearInterval(handle: TimerHandle): void;
}

function unrefIf(timer: NodeJS.Timeout, options: TimerOptions | undefined): NodeJS.Timeout {
  return options?.unref ? timer.unref() : timer;
}

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (fn, ms, options) => unrefIf(setTimeout(fn, ms), options),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
  setInterval: (fn, ms, options) => unrefIf(setInterval(fn, ms), options),
  clearInterval: (handle) => clearInterval(handle as NodeJS.Timeout | undefined),
};

interface ManualTimer {
  dueMs: number;
  fn: () => void;
  /** Of an interval. */
  everyMs: number | undefined;
}

/** A clock that stands still until a test advances it. */
export class ManualClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  /** In the order in which they were set. */
  readonly #timers = new Set<ManualTimer>();

  /** @param startMs Unix milliseconds at the start. */
  constructor(startMs = Date.UTC(2025, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    return this.#add(fn, ms, undefined);
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as ManualTimer);
  }

  setInterval(fn: () => void, ms: number): TimerHandle {
    return this.#add(fn, ms, Math.max(1, ms));
  }

  clearInterval(handle: TimerHandle): void {
    this.#timers.delete(handle as ManualTimer);
  }

  /** Timers that have not fired or been cleared. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer falls due; undefined if there is none. */
  get msToNextTimer(): number | undefined {
    const next = this.#next(Number.POSITIVE_INFINITY);
    return next && next.dueMs - this.#elapsedMs;
  }

  /**
   * Lets `ms` pass. Every timer that falls due fires at its own time, the earliest first and those
   * of the same time in the order in which they were set; also one that another timer sets.
   */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#elapsedMs = timer.dueMs;
      this.#timers.delete(timer);
      if (timer.everyMs !== undefined) {
        timer.dueMs += timer.everyMs;
        this.#timers.add(timer);
      }
      timer.fn();
    }
    this.#elapsedMs = endMs;
  }

  #add(fn: () => void, ms: number, everyMs: number | undefined): ManualTimer {
    // As in Node, where a timeout of 0 is one of 1.
    const timer = { dueMs: this.#elapsedMs + Math.max(1, ms), fn, everyMs };
    this.#timers.add(timer);
    return timer;
  }

  #next(endMs: number): ManualTimer | undefined {
    let next: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
