import type { Clock } from "../clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly fn: () => void;
}

/** A clock that stands still until a test moves it. It begins at the start of 2025. */
export class FakeClock implements Clock {
  #wallMs = Date.UTC(2025, 0, 1);
  #monotonicMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer = { dueMs: this.#monotonicMs + ms, fn };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as Timer);
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Infinite if there is none. */
  get untilNextTimerMs(): number {
    const due = Array.from(this.#timers, ({ dueMs }) => dueMs - this.#monotonicMs);
    return Math.max(0, Math.min(...due));
  }

  /** Lets time pass; timers fire each at its own time. */
  advance(ms: number): void {
    const endMs = this.#monotonicMs + ms;
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#pass(timer.dueMs - this.#monotonicMs);
      this.#timers.delete(timer);
      timer.fn();
    }
    this.#pass(endMs - this.#monotonicMs);
  }

  /** As a browser does while the device sleeps: only the wall clock goes on. Or is set: back, too. */
  moveWallClock(ms: number): void {
    this.#wallMs += ms;
  }

  #pass(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
