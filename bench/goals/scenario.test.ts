import { expect, test } from "vitest";
import { isMet, missedBy } from "./scenario.ts";

const latency = { what: "latency", unit: "ms", atMost: 10 } as const;
const rate = { what: "rate", unit: "/s", atLeast: 100 } as const;

test("a goal is met up to its limit, from its side", () => {
  expect([9, 10, 10.1].map((measured) => isMet(latency, measured))).toEqual([true, true, false]);
  expect([99, 100, 101].map((measured) => isMet(rate, measured))).toEqual([false, true, true]);
});

test("what could not be measured meets no goal, and what is only told has none", () => {
  expect(isMet(latency, Number.NaN)).toBe(false);
  expect(isMet(rate, undefined)).toBe(false);
  expect(isMet({ what: "told", unit: "" }, 1)).toBeUndefined();
});

test("by how much a goal is missed is a share of the goal", () => {
  expect(missedBy(latency, 12)).toBeCloseTo(0.2);
  expect(missedBy(rate, 75)).toBeCloseTo(0.25);
});
