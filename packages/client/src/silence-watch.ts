import { type Clock, elapsedMs, type Moment, moment } from "./clock.ts";
import { Timer } from "./timer.ts";

/** How long to wait for the answer to a ping. */
const PONG_TIMEOUT_MS = 5_000;
/** How often it looks at the clock. */
const TICK_MS = 2_000;
/** Not having run for longer means that the device slept, or that the page was frozen. */
const SLEPT_MS = 2 * TICK_MS;

export interface SilenceWatchInit {
  readonly clock: Clock;
  /** When the connection was begun. */
  readonly since: Moment;
  /** How long it may be silent before it is asked. */
  readonly quietMs: number;
  readonly ping: () => void;
  readonly onDead: () => void;
}

/**
 * Finds out that a connection is dead though nobody said so: after a silence, and after a sleep, it
 * asks once.
 *
 * What is read after a sleep may have come before it, while the connection is long dead. Frames do not
 * count as heard until the pong of a ping that was sent since: else a client would say that it was
 * away for no time, and be told that it has missed nothing.
 */
export class SilenceWatch {
  readonly #init: SilenceWatchInit;
  readonly #timer: Timer;
  /** When this code ran last. */
  #awakeAt: Moment;
  #lastFrameAt: Moment;
  #askedAt: Moment | undefined;
  #pongsOwed = 0;
  #isInDoubt = false;

  /** Begins with a frame that has just come. */
  constructor(init: SilenceWatchInit) {
    this.#init = init;
    this.#timer = new Timer(init.clock);
    this.#lastFrameAt = init.since;
    this.#awakeAt = init.since;
    this.heard(false);
    this.#wait(this.#awakeAt);
  }

  /** When the last frame came that is known to be new. */
  get lastFrameAt(): Moment {
    return this.#lastFrameAt;
  }

  /** Whether the device has slept, and the server has not answered since. */
  isInDoubt(now: Moment): boolean {
    this.#wake(now);
    return this.#isInDoubt;
  }

  /** A frame came. */
  heard(isPong: boolean): void {
    const now = moment(this.#init.clock);
    this.#wake(now);
    if (isPong && this.#pongsOwed > 0) this.#pongsOwed -= 1;
    if (this.#isInDoubt && this.#pongsOwed > 0) return;
    this.#isInDoubt = false;
    this.#lastFrameAt = now;
    if (this.#askedAt === undefined) return;
    this.#askedAt = undefined;
    this.#wait(now);
  }

  /** Asks now. */
  check(): void {
    const now = moment(this.#init.clock);
    this.#wake(now);
    if (this.#askedAt === undefined) this.#ask(now);
  }

  stop(): void {
    this.#timer.clear();
  }

  #tick(): void {
    const now = moment(this.#init.clock);
    // Timers of a page in the background run once a minute: each would only find that it slept, and ask anew.
    const isOverdue = this.#isInDoubt && this.#leftMs(now) <= 0;
    if (!isOverdue) this.#wake(now);
    if (this.#leftMs(now) > 0) {
      this.#wait(now);
    } else if (this.#askedAt === undefined) {
      this.#ask(now);
    } else {
      this.#init.onDead();
    }
  }

  /** Notices that it has slept, if it has. */
  #wake(now: Moment): void {
    const hasSlept = elapsedMs(this.#awakeAt, now) > SLEPT_MS;
    this.#awakeAt = now;
    if (!hasSlept) return;
    this.#isInDoubt = true;
    this.#ask(now);
  }

  #ask(now: Moment): void {
    this.#askedAt = now;
    this.#pongsOwed += 1;
    this.#wait(now);
    this.#init.ping();
  }

  #leftMs(now: Moment): number {
    return this.#askedAt === undefined
      ? this.#init.quietMs - elapsedMs(this.#lastFrameAt, now)
      : PONG_TIMEOUT_MS - elapsedMs(this.#askedAt, now);
  }

  #wait(now: Moment): void {
    this.#timer.set(Math.min(TICK_MS, this.#leftMs(now)), () => this.#tick());
  }
}
