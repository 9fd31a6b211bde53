import type { Clock } from "@pushcast/runtime";

export interface WaitOptions {
  readonly clock: Clock;
  /** How long to wait for all of it. */
  readonly timeoutMs: number;
  /** Gets a line whenever something has changed. */
  report(line: string): void;
}

/** How often what sends no event is asked for. */
const POLL_MS = 1_000;

/** Ends after one interval of asking again. */
export function pollPause(clock: Clock): Promise<void> {
  return pause(clock, POLL_MS);
}

/** Ends after a time, or as soon as the signal aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end);
  });
}

/** `90 s` */
export function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
