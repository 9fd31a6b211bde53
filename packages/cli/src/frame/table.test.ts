import { expect, test } from "vitest";
import { type Table, tableLines } from "./table.ts";

const TABLE: Table = {
  columns: [
    { title: "NODE", shrinks: true },
    { title: "LAG", align: "right" },
    { title: "ADDRESS", dropOrder: 1 },
  ],
  rows: [
    ["connect-node-7d9f", "0", "10.0.0.1:50052"],
    ["n", "1200", ""],
  ],
};

const lines = (maxWidth: number) => tableLines(TABLE, maxWidth, (_style, text) => text);

test("is as wide as its cells, numbers to the right", () => {
  expect(lines(Number.POSITIVE_INFINITY)).toEqual([
    "NODE                LAG  ADDRESS",
    "connect-node-7d9f     0  10.0.0.1:50052",
    "n                  1200",
  ]);
});

test("first cuts what may shrink", () => {
  expect(lines(32)).toEqual([
    "NODE         LAG  ADDRESS",
    "connect-n…     0  10.0.0.1:50052",
    "n           1200",
  ]);
});

test("then leaves columns out", () => {
  expect(lines(23)).toEqual([
    "NODE                LAG",
    "connect-node-7d9f     0",
    "n                  1200",
  ]);
});

test("and last writes a block for each row", () => {
  expect(lines(12)).toEqual(["NODE  conne…", "LAG   0", "", "NODE  n", "LAG   1200"]);
});

test.each([12, 14, 20, 23, 30, 38, 39, 80])("never is wider than %d columns", (columns) => {
  for (const line of lines(columns)) expect(line.length).toBeLessThanOrEqual(columns);
});

test("marks its heading", () => {
  expect(tableLines(TABLE, 80, (style, text) => `<${style}>${text}`)[0]).toMatch(/^<bold>NODE/);
});

test("has its columns below one another also where characters take two cells", () => {
  const table = { ...TABLE, rows: [["节点-一", "7", "10.0.0.1:50052"], ...TABLE.rows] };
  const wide = tableLines(table, 80, (_style, text) => text);
  expect(wide[1]).toBe("节点-一               7  10.0.0.1:50052");
  const narrow = tableLines(
    { columns: TABLE.columns.slice(0, 2), rows: [["很长的节点名字", "7"]] },
    15,
    (_style, text) => text,
  );
  expect(narrow[1]).toBe("很长的节…     7");
});
