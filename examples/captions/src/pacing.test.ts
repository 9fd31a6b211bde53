import { describe, expect, it } from "vitest";
import type { Clock } from "./clock.ts";
import { inTime } from "./pacing.ts";

/** Sleeping is all that lets its time pass, beside `pass`. */
class SleepingClock implements Clock {
  nowMs = 1_000;

  monotonicMs(): number {
    return this.nowMs;
  }

  async sleep(ms: number): Promise<void> {
    this.nowMs += ms;
  }
}

const CUES = [0, 1_500, 4_000, 4_000, 10_000].map((startMs) => ({ startMs }));

async function times(speed: number, workMs: readonly number[] = []): Promise<number[]> {
  const clock = new SleepingClock();
  const signal = new AbortController().signal;
  const seen: number[] = [];
  for await (const _cue of inTime(CUES, { speed, startedAtMs: 1_000, clock, signal })) {
    clock.nowMs += workMs[seen.length] ?? 0;
    seen.push(clock.nowMs - 1_000 - (workMs[seen.length] ?? 0));
  }
  return seen;
}

describe("cues in time", () => {
  it("come at their start at speed 1", async () => {
    expect(await times(1)).toEqual([0, 1_500, 4_000, 4_000, 10_000]);
  });

  it("come twenty times as early at speed 20", async () => {
    expect(await times(20)).toEqual([0, 75, 200, 200, 500]);
  });

  it("catch up after work that took long, and are on time again", async () => {
    expect(await times(1, [0, 3_000])).toEqual([0, 1_500, 4_500, 4_500, 10_000]);
  });

  it("come at once where the talk began before", async () => {
    const clock = new SleepingClock();
    const seen: number[] = [];
    const signal = new AbortController().signal;
    for await (const cue of inTime(CUES, { speed: 1, startedAtMs: -1_000, clock, signal })) {
      seen.push(cue.startMs);
      if (clock.nowMs > 1_000) break;
    }
    expect(seen).toEqual([0, 1_500, 4_000]);
  });

  it("stop with the signal", async () => {
    const abort = new AbortController();
    const pace = { speed: 1, startedAtMs: 1_000, clock: new SleepingClock(), signal: abort.signal };
    const seen: number[] = [];
    const consume = async () => {
      for await (const cue of inTime(CUES, pace)) {
        seen.push(cue.startMs);
        if (seen.length === 2) abort.abort();
      }
    };
    await expect(consume()).rejects.toThrow(/aborted/);
    expect(seen).toEqual([0, 1_500]);
  });
});
