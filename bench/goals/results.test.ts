import { expect, test } from "vitest";
import { figureOf, type ScenarioRun } from "./results.ts";

function runs(values: readonly number[]): ScenarioRun[] {
  return values.map((value, n) => ({
    scenario: "any",
    round: n + 1,
    commit: "",
    at: "",
    loadBefore: 0,
    figures: { value },
  }));
}

test("a figure is the median of its rounds", () => {
  expect(figureOf(runs([3, 1, 2]), "value", { what: "", unit: "" })).toBe(2);
  expect(figureOf(runs([4, 1, 2, 3]), "value", { what: "", unit: "" })).toBe(2.5);
});

test("of faults no round is forgotten", () => {
  const faults = { what: "", unit: "", atMost: 0, isWorst: true } as const;
  expect(figureOf(runs([0, 7, 0]), "value", faults)).toBe(7);
});
