import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 10;

/**
 * Waits for what sends no event: asks again and again, and fails with what it was that did not come.
 *
 * @param timeoutMs @default 15000, for waits that are no measurement
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const givesUpAtMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > givesUpAtMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Fails if the promise takes longer. */
export async function within<Value>(
  timeoutMs: number,
  what: string,
  promise: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
