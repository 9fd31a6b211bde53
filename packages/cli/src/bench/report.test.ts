import { expect, test } from "vitest";
import type { BenchResult } from "./bench.ts";
import { Histogram } from "./histogram.ts";
import { checkOpenFiles } from "./open-files.ts";
import { checkPlan } from "./plan.ts";
import { resultJson, resultLines } from "./report.ts";

const plan = { clients: 100, rooms: 1, rate: 100, seconds: 10, bytes: 100 };
const situation = { plan, unary: false, sharesMachine: false };

function result(changes: Partial<BenchResult> = {}): BenchResult {
  const latency = new Histogram();
  for (let ms = 1; ms <= 100; ms += 1) latency.add(ms * 1_000);
  return {
    accepted: 1_000,
    delivered: 100_000,
    lost: 0,
    repeated: 0,
    latency,
    reachedRate: 100,
    deliveriesPerSecond: 10_000,
    failed: new Map(),
    disconnected: 0,
    generator: { busy: 0.2, delayP99Ms: 1 },
    ...changes,
  };
}

test("a person reads whether the figures can be believed", () => {
  const last = (changes: Partial<BenchResult>) => resultLines(situation, result(changes)).at(-1);
  expect(last({})).toMatch(/^The generator had time left/);
  expect(last({ generator: { busy: 0.95, delayP99Ms: 1 } })).toMatch(
    /^The generator was the limit: its event loop was busy for 95 %/,
  );
  expect(last({ generator: { busy: 0.1, delayP99Ms: 80 } })).toMatch(/it had too little CPU/);
  expect(last({ reachedRate: 60 })).toMatch(/^The rate was not reached, and not for the generator/);
  const refused = { reachedRate: 60, failed: new Map([["UNAVAILABLE", 400]]) };
  expect(last({ ...refused, generator: { busy: 0.1, delayP99Ms: 80 } })).toBe(
    "The rate was not reached: pushes failed.",
  );
  expect(resultLines({ ...situation, sharesMachine: true }, result()).at(-1)).toMatch(
    /^The generator shares its CPU/,
  );
});

test("a program reads milliseconds, and null where nothing came", () => {
  expect(resultJson(situation, result())).toMatchObject({
    latency_ms: { p50: expect.closeTo(50, -0.5), max: 100 },
    generator: { was_the_limit: false },
  });
  const nothing = result({ latency: new Histogram(), delivered: 0, lost: 100_000 });
  expect(resultJson(situation, nothing)).toMatchObject({
    latency_ms: { p50: null, p90: null, p99: null, max: null },
    lost: 100_000,
  });
});

test.each([
  [{ rooms: 101 }, "BENCH_EMPTY_ROOMS"],
  [{ rate: 10_000, seconds: 300 }, "BENCH_TOO_MANY_PUSHES"],
  [{ clients: 5_000, rate: 1_000, seconds: 60 }, "BENCH_TOO_MANY_DELIVERIES"],
])("%j is refused as %s", (changes, code) => {
  expect(() => checkPlan(plan)).not.toThrow();
  expect(() => checkPlan({ ...plan, ...changes })).toThrow(expect.objectContaining({ code }));
});

test("more clients than the process may open files are refused", () => {
  expect(() => checkOpenFiles(1_000, undefined)).not.toThrow();
  expect(() => checkOpenFiles(1_000, 1_100)).not.toThrow();
  expect(() => checkOpenFiles(1_000, 1_024)).toThrow(
    expect.objectContaining({ code: "BENCH_TOO_FEW_FILES" }),
  );
});
