import { expect, test } from "vitest";
import { commitsText, decimal, percent } from "./page-text.ts";

test("what was not measured is a dash", () => {
  expect([decimal(Number.NaN, 2), percent(Number.NaN)]).toEqual(["–", "–"]);
});

test("commits are told with their measurements where there are several", () => {
  const [one, other] = [{ commit: "aaaaaaa" }, { commit: "bbbbbbb" }];
  expect(commitsText([one, one])).toBe("aaaaaaa");
  expect(commitsText([one, other, one])).toBe("aaaaaaa (of 2), bbbbbbb (of 1)");
});
