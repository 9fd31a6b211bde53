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

test("whatever the comparison's table says of others has a source", () => {
  const [, section = ""] = readPage("docs/comparison.md").split("## In one table\n");
  const [, , ...rows] = (section.split("\n## ")[0] ?? "").match(/^\|.+$/gm) ?? [];
  const others = rows.filter((row) => !row.startsWith("| **Pushcast**"));
  const unsourced = others.flatMap((row) => {
    const [name, ...cells] = row.split(" | ");
    return cells.filter((cell) => !cell.includes("](https://")).map((cell) => `${name}: ${cell}`);
  });

  expect(others.length).toBeGreaterThan(5);
  expect(unsourced).toEqual([]);
});
