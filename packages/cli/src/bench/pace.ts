import { setTimeout as sleep } from "node:timers/promises";

export interface PaceInit {
  /** How many calls there are. */
  readonly count: number;
  readonly perSecond: number;
  /** Milliseconds. @default that of the process */
  readonly now?: () => number;
  /** @default that of the process */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/** No timer is more precise. */
const MIN_WAIT_MS = 1;

/**
 * Calls at an even rate, by the number of the call. One that comes late does not move the others: they
 * catch up. While `send` returns a promise nothing is sent.
 */
export async function atEvenRate(
  { count, perSecond, now = () => performance.now(), sleep: wait = sleep }: PaceInit,
  send: (number: number) => Promise<void> | undefined,
): Promise<void> {
  const begunAtMs = now();
  const dueAtMs = (number: number) => begunAtMs + (number * 1_000) / perSecond;
  for (let number = 0; number < count; number += 1) {
    const earlyMs = dueAtMs(number) - now();
    if (earlyMs > 0) await wait(Math.max(MIN_WAIT_MS, earlyMs));
    const held = send(number);
    if (held !== undefined) await held;
  }
}
