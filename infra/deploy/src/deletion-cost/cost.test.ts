import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costOf, nextCost } from "./cost.ts";

const sessions = fc.integer({ min: 0, max: 1_000_000 });
const cost = fc.integer({ min: 0, max: 20 });

describe("the cost of deleting a pod", () => {
  test.each([
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 2],
    [1_000, 9],
    [50_000, 15],
  ])("with %i sessions is %i", (count, expected) => {
    expect(costOf(count)).toBe(expected);
  });

  test("never is less with more sessions", () => {
    fc.assert(
      fc.property(sessions, sessions, (a, b) => {
        expect(costOf(Math.max(a, b))).toBeGreaterThanOrEqual(costOf(Math.min(a, b)));
      }),
    );
  });
});

describe("the next cost of a pod", () => {
  test.each([
    ["stays on its step", 10, 1_500, 10],
    ["stays a little below it", 10, 800, 10],
    ["stays a little above it", 10, 2_500, 10],
    ["falls well below it", 10, 700, 9],
    ["rises well above it", 10, 2_600, 11],
    ["follows a great change at once", 10, 40_000, 15],
    ["falls to nothing when the last client has gone", 5, 0, 0],
  ])("%s", (_, current, count, expected) => {
    expect(nextCost(current, count)).toBe(expected);
  });

  test("is at most one step off, whatever it was", () => {
    fc.assert(
      fc.property(cost, sessions, (current, count) => {
        expect(Math.abs(nextCost(current, count) - costOf(count))).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("stays once it is found, until the sessions change by a quarter", () => {
    const many = fc.integer({ min: 100, max: 1_000_000 });
    const change = fc.double({ min: 0.76, max: 1.24, noNaN: true });
    fc.assert(
      fc.property(many, change, (count, factor) => {
        const found = costOf(count);
        expect(nextCost(found, Math.round(count * factor))).toBe(found);
      }),
    );
  });
});
