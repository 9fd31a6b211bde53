import { expect, test } from "vitest";
import { readPage } from "./pages.ts";

/** Figures with their units, as `1.50 µs`. */
const FIGURE = /\d[\d.,]*(?: to \d[\d.,]*)? (?:µs|KB|bytes|%)/g;

test("figures in the comparison that are from the benchmarks stand there", () => {
  const benchmarks = readPage("docs/benchmarks.md");
  const quoted = readPage("docs/comparison.md")
    .split(/\n(?=[-|#\n])/)
    .filter((part) => part.includes("](benchmarks.md"))
    .flatMap((part) => part.match(FIGURE) ?? []);

  expect(quoted.length).toBeGreaterThan(5);
  expect(quoted.filter((figure) => !benchmarks.includes(figure))).toEqual([]);
});
