import type { Clock } from "./clock.ts";

export interface Pace {
  /** 1 is real time, 20 is twenty times as fast. */
  readonly speed: number;
  /** When the talk began, by the clock's monotonic time. */
  readonly startedAtMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Gives each cue when its start has come, never before. A consumer that was slow gets those that
 * are due at once, so that it catches up.
 */
export async function* inTime<Timed extends { readonly startMs: number }>(
  cues: Iterable<Timed>,
  { speed, startedAtMs, clock, signal }: Pace,
): AsyncGenerator<Timed> {
  for (const cue of cues) {
    const waitMs = startedAtMs + cue.startMs / speed - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    signal.throwIfAborted();
    yield cue;
  }
}
