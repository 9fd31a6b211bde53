import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { AttemptsSpentError, type RetryOptions, withRetries } from "./retry.ts";

/** @param pushcastCode of the trailer, as a push-manager sends it */
function grpcError(code: number, pushcastCode?: string): Error {
  const metadata = new Metadata();
  if (pushcastCode !== undefined) metadata.set("pushcast-code", pushcastCode);
  return Object.assign(new Error(`${status[code]}`), { code, metadata });
}

/** A call that fails with the codes, or errors, in turn and then succeeds. */
function failing(failures: readonly (number | Error)[]) {
  const calls = { made: 0 };
  const call = async () => {
    const failure = failures[calls.made];
    calls.made += 1;
    if (failure !== undefined) throw failure instanceof Error ? failure : grpcError(failure);
    return "done";
  };
  return { call, calls };
}

function options(sleeps: number[], random = 0): RetryOptions {
  return {
    attempts: 5,
    firstDelayMs: 100,
    maxDelayMs: 300,
    clock: {
      monotonicMs: () => 0,
      sleep: async (ms, signal) => {
        signal.throwIfAborted();
        sleeps.push(ms);
      },
    },
    signal: new AbortController().signal,
    random: () => random,
    onRetry: () => {},
  };
}

describe("a call with retries", () => {
  it("is made once when it succeeds", async () => {
    const { call, calls } = failing([]);
    expect(await withRetries(call, options([]))).toBe("done");
    expect(calls.made).toBe(1);
  });

  it("is made again after UNAVAILABLE and DEADLINE_EXCEEDED, with a doubled, bounded delay", async () => {
    const codes = [
      status.UNAVAILABLE,
      status.DEADLINE_EXCEEDED,
      status.UNAVAILABLE,
      status.UNAVAILABLE,
    ];
    const { call, calls } = failing(codes);
    const sleeps: number[] = [];
    expect(await withRetries(call, options(sleeps))).toBe("done");
    expect(calls.made).toBe(5);
    expect(sleeps).toEqual([50, 100, 150, 150]);
  });

  it("is made again after back-pressure", async () => {
    const told: string[] = [];
    const onRetry: RetryOptions["onRetry"] = ({ problem }) => told.push(problem);
    const { call } = failing([grpcError(status.RESOURCE_EXHAUSTED, "BACK_PRESSURE")]);
    expect(await withRetries(call, { ...options([]), onRetry })).toBe("done");
    expect(told).toEqual(["held back"]);
  });

  it("is not made again when its content is too large, which has the same code", async () => {
    const tooLarge = grpcError(status.RESOURCE_EXHAUSTED, "CONTENT_TOO_LARGE");
    const { call, calls } = failing([tooLarge]);
    await expect(withRetries(call, options([]))).rejects.toBe(tooLarge);
    expect(calls.made).toBe(1);
  });

  it("waits between half of the delay and all of it", async () => {
    const sleeps: number[] = [];
    await withRetries(failing([status.UNAVAILABLE]).call, options(sleeps, 0.5));
    await withRetries(failing([status.UNAVAILABLE]).call, options(sleeps, 1));
    expect(sleeps).toEqual([75, 100]);
  });

  it("tells each failure before it waits", async () => {
    const told: unknown[] = [];
    const onRetry: RetryOptions["onRetry"] = ({ attempt, delayMs, problem }) =>
      told.push([attempt, delayMs, problem]);
    await withRetries(failing([status.UNAVAILABLE]).call, { ...options([]), onRetry });
    expect(told).toEqual([[1, 50, "not available"]]);
  });

  it("gives up after its attempts, with the last failure as the cause", async () => {
    const { call, calls } = failing(Array(9).fill(status.UNAVAILABLE));
    const error = await withRetries(call, options([])).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(AttemptsSpentError);
    expect(error.cause).toMatchObject({ code: status.UNAVAILABLE });
    expect(calls.made).toBe(5);
  });

  it.for([status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED, status.CANCELLED, status.INTERNAL])(
    "is not made again after code %d",
    async (code) => {
      const { call, calls } = failing([code]);
      await expect(withRetries(call, options([]))).rejects.toMatchObject({ code });
      expect(calls.made).toBe(1);
    },
  );

  it("is not made again once it is aborted", async () => {
    const abort = new AbortController();
    const { call, calls } = failing([status.UNAVAILABLE]);
    const withSignal = { ...options([]), signal: abort.signal, onRetry: () => abort.abort() };
    await expect(withRetries(call, withSignal)).rejects.toThrow(/aborted/);
    expect(calls.made).toBe(1);
  });
});
