/** Time, handed in so that tests decide when it passes. */
export interface Clock {
  /** Unix milliseconds; may jump when the device's clock is set. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. */
  monotonicMs(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** The time of this device. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (handle) => clearTimeout(handle as number | undefined),
};

/** One moment by both of a clock's measures. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function moment(clock: Clock): Moment {
  return { wallMs: clock.now(), monotonicMs: clock.monotonicMs() };
}

/**
 * Whole milliseconds from one moment to another, rather too many than too few. Browsers stop their
 * monotonic clock while the device sleeps, and the wall clock may be set back meanwhile: the longer
 * of the two is believed.
 */
export function elapsedMs(from: Moment, to: Moment): number {
  const longerMs = Math.max(to.wallMs - from.wallMs, to.monotonicMs - from.monotonicMs);
  return Math.max(0, Math.ceil(longerMs));
}
