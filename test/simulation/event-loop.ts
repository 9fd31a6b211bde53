import { type Clock, ManualClock, type TimerHandle } from "@pushcast/runtime";

const realSetImmediate = globalThis.setImmediate;
const realRandom = Math.random;

/**
 * The time and the turns of all processes of a simulation. While it is installed, `setImmediate` and
 * `Math.random` are its own: nothing happens but what it lets happen, and the same seed is the same run.
 */
export class EventLoop {
  readonly clock = new ManualClock();
  readonly random: () => number;
  /** How many turns there may be before time goes on; more is a loop that is busy. */
  readonly #turnsAStep: () => number;
  #tasks: (() => void)[] = [];

  constructor(init: { random: () => number; turnsAStep?: () => number }) {
    this.random = init.random;
    this.#turnsAStep = init.turnsAStep ?? (() => Number.POSITIVE_INFINITY);
  }

  install(): void {
    const later = (task: (...args: unknown[]) => void, ...args: unknown[]) => {
      this.#tasks.push(() => task(...args));
    };
    globalThis.setImmediate = later as unknown as typeof setImmediate;
    Math.random = this.random;
  }

  uninstall(): void {
    globalThis.setImmediate = realSetImmediate;
    Math.random = realRandom;
    this.#tasks = [];
  }

  /** Lets time pass, from one timer to the next, with the turns that each brings. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + ms;
    await this.#turns(this.#turnsAStep());
    for (;;) {
      const nextMs = this.clock.msToNextTimer;
      if (nextMs === undefined || this.clock.monotonicMs() + nextMs > endMs) break;
      this.clock.advance(nextMs);
      await this.#turns(this.#turnsAStep());
    }
    this.clock.advance(endMs - this.clock.monotonicMs());
  }

  /** One turn: what was deferred until now, and the promises that it settles. */
  async turn(): Promise<void> {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    await settlePromises();
  }

  async #turns(limit: number): Promise<void> {
    await settlePromises();
    for (let turn = 0; turn < limit && this.#tasks.length > 0; turn += 1) await this.turn();
  }
}

function settlePromises(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}

/** The clock of one process: its wall clock may be wrong, and its timers end with it. */
export class ProcessClock implements Clock {
  readonly #clock: ManualClock;
  readonly #timers = new Set<TimerHandle>();
  #wallOffsetMs = 0;
  #stopped = false;

  constructor({ clock }: EventLoop) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    if (this.#stopped) return undefined;
    const handle = this.#clock.setTimeout(() => {
      this.#timers.delete(handle);
      fn();
    }, ms);
    this.#timers.add(handle);
    return handle;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle);
    this.#clock.clearTimeout(handle);
  }

  setInterval(fn: () => void, ms: number): TimerHandle {
    if (this.#stopped) return undefined;
    const handle = this.#clock.setInterval(fn, ms);
    this.#timers.add(handle);
    return handle;
  }

  clearInterval(handle: TimerHandle): void {
    this.clearTimeout(handle);
  }

  /** Somebody sets the machine's clock. */
  moveWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** The process has ended. */
  stop(): void {
    this.#stopped = true;
    for (const handle of this.#timers) this.#clock.clearTimeout(handle);
    this.#timers.clear();
  }
}
