import { setTimeout as sleep } from "node:timers/promises";
import type { OnePush } from "./push.ts";
import type { PushError } from "./push-error.ts";

/** Refusals of a push-manager that took nothing and may take it later. */
const LATER = new Set(["BACK_PRESSURE", "RATE_LIMITED", "TOO_MANY_STREAMS"]);

/** Whether the same call, with the same key, may do better. */
export function mayBeRetried({ code, reason }: PushError): boolean {
  switch (code) {
    case "UNAVAILABLE":
    case "DEADLINE_EXCEEDED":
    // Nobody here has cancelled it: a push-manager has, that ended before it had answered.
    case "CANCELLED":
      return true;
    case "RESOURCE_EXHAUSTED":
      return LATER.has(reason);
    default:
      return false;
  }
}

/**
 * Whether a push that failed so is sent again. Without a key, or where nodes keep none, only if a push-manager that
 * stops says that it did not take it: it would be delivered twice otherwise.
 */
export function isSentAgain({ value }: OnePush, error: PushError): boolean {
  if (value.ephemeral || value.idempotencyKey === "") return error.reason === "STOPPING";
  return mayBeRetried(error);
}

/** Waits between attempts: random, with a limit that doubles. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #limitMs: number;

  constructor({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#limitMs = minMs;
  }

  /** How long to wait now, in milliseconds. */
  nextMs(): number {
    const delayMs = Math.random() * this.#limitMs;
    this.#limitMs = Math.min(this.#maxMs, this.#limitMs * 2);
    return delayMs;
  }

  reset(): void {
    this.#limitMs = this.#minMs;
  }
}

/** Resolves after the time, or when the signal says so. */
export async function wait(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch(() => {});
}

/** Something did not come in time. */
export class TooLate extends Error {}

/**
 * What the promise resolves to.
 * @throws TooLate if that takes longer; what the signal has as its reason
 */
export async function inTime<Value>(
  promise: Promise<Value>,
  waitMs: number,
  signal: AbortSignal,
): Promise<Value> {
  const settled = new AbortController();
  const end = () => settled.abort();
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  const late = wait(waitMs, settled.signal).then(() => {
    throw signal.aborted
      ? signal.reason
      : new TooLate(`it took more than ${Math.round(waitMs)} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    signal.removeEventListener("abort", end);
    // Lost, and nobody's fault.
    late.catch(() => {});
    end();
  }
}
