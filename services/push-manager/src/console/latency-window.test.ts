import { expect, test } from "vitest";
import { LatencyWindow } from "./latency-window.ts";

test("has no percentiles of nothing", () => {
  expect(new LatencyWindow().percentile(0.5)).toBeUndefined();
});

test.each([
  [0.5, 50],
  [0.9, 90],
  [0.99, 99],
  [1, 100],
])("the percentile %d of 1 to 100 ms is %d ms, at most 10 %% too high", (share, exact) => {
  const latencies = new LatencyWindow();
  for (let ms = 1; ms <= 100; ms += 1) latencies.add(ms);
  const found = latencies.percentile(share) ?? 0;
  expect(found).toBeGreaterThanOrEqual(exact * 0.999);
  expect(found).toBeLessThanOrEqual(exact * 1.1);
});

test("takes what is shorter and longer than it can tell", () => {
  const latencies = new LatencyWindow();
  latencies.add(0);
  expect(latencies.percentile(1)).toBe(0.01);
  latencies.add(Number.MAX_SAFE_INTEGER);
  expect(latencies.percentile(1)).toBeGreaterThan(600_000);
});

test("begins anew when it is cleared", () => {
  const latencies = new LatencyWindow();
  latencies.add(1000);
  latencies.clear();
  latencies.add(1);
  expect(latencies.percentile(1)).toBeLessThan(2);
});
