import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAbove, MAX_POSITION_ENTRIES, maxPosition, type Position } from "./position.ts";

const anyPosition = (maxLength: number): fc.Arbitrary<Position> =>
  fc
    .array(fc.tuple(fc.nat(250).map(String), fc.nat(9)), { maxLength })
    .map((entries) => new Map(entries));

describe("maxPosition", () => {
  test("takes the higher seq of each epoch", () => {
    const first = new Map([
      ["a", 5],
      ["b", 1],
    ]);
    const second = new Map([
      ["b", 7],
      ["c", 2],
    ]);
    expect(Object.fromEntries(maxPosition(first, second))).toEqual({ a: 5, b: 7, c: 2 });
  });

  test("keeps the entries of the first where the cap cuts", () => {
    const range = (from: number, count: number): Position =>
      new Map(Array.from({ length: count }, (_, index) => [`${from + index}`, 1]));
    const first = range(0, MAX_POSITION_ENTRIES - 1);
    const max = maxPosition(first, range(1000, 50));
    expect(max.size).toBe(MAX_POSITION_ENTRIES);
    for (const epoch of first.keys()) expect(max.has(epoch)).toBe(true);
  });

  test("has at most 100 entries and is nowhere below or beyond what it was made of", () => {
    fc.assert(
      fc.property(anyPosition(100), anyPosition(200), (first, second) => {
        const max = maxPosition(first, second);
        const union = new Set([...first.keys(), ...second.keys()]);
        expect(max.size).toBe(Math.min(union.size, MAX_POSITION_ENTRIES));
        for (const [epoch, seq] of max) {
          expect(seq).toBe(Math.max(first.get(epoch) ?? 0, second.get(epoch) ?? 0));
        }
        for (const epoch of first.keys()) expect(max.has(epoch)).toBe(true);
      }),
    );
  });
});

test("isAbove takes an epoch that a position lacks as one of which nothing is dealt with", () => {
  const position = new Map([["a", 5]]);
  expect(isAbove(position, "a", 5)).toBe(false);
  expect(isAbove(position, "a", 6)).toBe(true);
  expect(isAbove(position, "b", 1)).toBe(true);
  expect(isAbove(position, "b", 0)).toBe(false);
});
