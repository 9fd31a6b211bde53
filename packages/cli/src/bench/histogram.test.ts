import { expect, test } from "vitest";
import { Histogram } from "./histogram.ts";

test("quantiles are told to within one percent", () => {
  const histogram = new Histogram();
  for (let micros = 1; micros <= 100_000; micros += 1) histogram.add(micros);
  expect(histogram.quantile(0.5)).toBeGreaterThan(50_000 * 0.99);
  expect(histogram.quantile(0.5)).toBeLessThan(50_000 * 1.01);
  expect(histogram.quantile(0.99)).toBeGreaterThan(99_000 * 0.99);
  expect(histogram.quantile(0.99)).toBeLessThan(99_000 * 1.01);
  expect(histogram.max).toBe(100_000);
});

test("an empty histogram has no quantile", () => {
  expect(new Histogram().quantile(0.5)).toBeNaN();
});
