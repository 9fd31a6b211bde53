import { expect, test } from "vitest";
import { grows, quarters, type TimedValue } from "./growth.ts";

const ALLOWANCE = { share: 0.1, amount: 5 };

function over(values: readonly number[]): TimedValue[] {
  return values.map((value, atMs) => ({ atMs, value }));
}

function verdict(values: readonly number[]): boolean {
  return grows(quarters(over(values), 0, values.length), ALLOWANCE);
}

test("the quarters of a run are its four means", () => {
  const run = over([1, 3, 10, 20, 30, 50, 100, 300]);
  expect(quarters(run, 0, 8)).toEqual({ first: 2, second: 15, third: 40, last: 200 });
});

test("a quarter without a value has no mean", () => {
  expect(() => quarters(over([1, 2]), 0, 8)).toThrow("no value in quarter 2");
});

test("what fills up in the first quarter and stays does not grow", () => {
  expect(verdict([0, 50, 100, 101, 99, 102, 100, 101])).toBe(false);
});

test("what rises from the second quarter to the last by more than the share and the amount grows", () => {
  expect(verdict([90, 95, 100, 100, 105, 110, 111, 112])).toBe(true);
});

test("less than the share, or less than the amount, is no growth", () => {
  expect(verdict([100, 100, 100, 100, 105, 105, 109, 109])).toBe(false);
  expect(verdict([1, 1, 1, 1, 3, 3, 5, 5])).toBe(false);
});

test("what falls does not grow", () => {
  expect(verdict([100, 100, 100, 100, 50, 50, 10, 10])).toBe(false);
});
