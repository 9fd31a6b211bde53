import { describe, expect, test } from "vitest";
import { type ClockSample, offsetFrom } from "../clock-offset.ts";
import { checkClocks } from "./clocks.ts";

describe("the offset of a clock", () => {
  /** A server whose clock is ahead by so much answers with whole seconds. */
  const look = (askedAtMs: number, aheadMs: number): ClockSample => ({
    saidMs: Math.floor((askedAtMs + 5 + aheadMs) / 1_000) * 1_000,
    resolutionMs: 1_000,
    askedAtMs,
    answeredAtMs: askedAtMs + 10,
  });

  test("is bounded by the answer's time on its way and by what it cuts off", () => {
    const sample = { saidMs: 5_000, resolutionMs: 1_000, askedAtMs: 5_100, answeredAtMs: 5_140 };
    expect(offsetFrom([sample])).toEqual({ leastMs: -140, mostMs: 900 });
  });

  test("is told better by looks at different parts of a second, and never wrongly", () => {
    for (const aheadMs of [-4_321, -90, 0, 37, 2_000]) {
      const looks = Array.from({ length: 5 }, (_, index) => look(10_000 + index * 190, aheadMs));
      const offset = offsetFrom(looks);
      expect(offset?.leastMs).toBeLessThanOrEqual(aheadMs);
      expect(offset?.mostMs).toBeGreaterThanOrEqual(aheadMs);
      expect((offset?.mostMs ?? 0) - (offset?.leastMs ?? 0)).toBeLessThanOrEqual(260);
    }
  });

  test("is the range of all looks where they contradict each other", () => {
    const exact = { resolutionMs: 1, askedAtMs: 0, answeredAtMs: 0 };
    const set = [
      { ...exact, saidMs: 0 },
      { ...exact, saidMs: 500 },
    ];
    expect(offsetFrom(set)).toEqual({ leastMs: 0, mostMs: 501 });
  });

  test("is unknown without a look", () => {
    expect(offsetFrom([])).toBeUndefined();
  });
});

describe("clocks", () => {
  const statuses = (...offsets: readonly (readonly [number, number])[]) =>
    checkClocks(
      offsets.map(([leastMs, mostMs], index) => ({ of: `n${index}`, offset: { leastMs, mostMs } })),
    ).map(({ check, status }) => `${check} ${status}`);

  test("are wrong only where it is certain", () => {
    expect(statuses([-900, 900])).toEqual(["clock ok"]);
    expect(statuses([-2_000, 2_000])).toEqual(["clock ok"]);
    expect(statuses([1_001, 1_900])).toEqual(["clock warn"]);
    expect(statuses([-9_000, -5_001])).toEqual(["clock fail"]);
  });

  test("that all differ alike from this machine's accuse this machine", () => {
    expect(statuses([2_000, 3_000], [2_500, 3_500])).toEqual([
      "clock warn",
      "clock warn",
      "clock-of-this-machine warn",
    ]);
    expect(statuses([2_000, 3_000], [-3_500, -2_500])).toEqual(["clock warn", "clock warn"]);
  });

  test("that nobody showed are not checked", () => {
    expect(statuses()).toEqual(["clocks not checked"]);
  });
});
