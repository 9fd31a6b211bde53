import { Metadata, status } from "@grpc/grpc-js";
import type { Clock } from "./clock.ts";

export interface RetryOptions {
  /** Calls at most, the first included. */
  readonly attempts: number;
  /** Before the second call; doubled before each further one. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Before each further call. `attempt` is that of the call that failed, from 1. */
  readonly onRetry: (failure: { attempt: number; delayMs: number; problem: string }) => void;
}

/** Every attempt failed in a way that may pass; the cause is the last failure. */
export class AttemptsSpentError extends Error {
  override readonly name = "AttemptsSpentError";
}

/**
 * Calls again while the call fails in a way that may pass: only for calls that may be repeated, as
 * pushes with an idempotency key. Any other failure is thrown as it is.
 *
 * @throws AttemptsSpentError
 */
export async function withRetries<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts, firstDelayMs, maxDelayMs, clock, signal, random, onRetry } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (cause) {
      const problem = passingProblem(cause);
      if (problem === undefined) throw cause;
      if (attempt >= attempts) {
        throw new AttemptsSpentError(`${attempts} attempts, last: ${problem}`, { cause });
      }
      const backoffMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1));
      // From half of it on, so that clients that failed together do not come back together.
      const delayMs = backoffMs * (0.5 + random() / 2);
      onRetry({ attempt, delayMs, problem });
      await clock.sleep(delayMs, signal);
    }
  }
}

/**
 * After UNAVAILABLE the call was not accepted, or its answer is lost; after DEADLINE_EXCEEDED nobody
 * knows. RESOURCE_EXHAUSTED passes only where it is back-pressure: content that is too large stays
 * so. Undefined for any other failure.
 */
function passingProblem(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  if (error.code === status.UNAVAILABLE) return "not available";
  if (error.code === status.DEADLINE_EXCEEDED) return "no answer in time";
  if (pushcastCodeOf(error) === "BACK_PRESSURE") return "held back";
  return undefined;
}

/** The machine-readable name that a push-manager gives its errors. */
function pushcastCodeOf(error: Error): string | undefined {
  if (!("metadata" in error && error.metadata instanceof Metadata)) return undefined;
  return error.metadata.get("pushcast-code")[0]?.toString();
}
