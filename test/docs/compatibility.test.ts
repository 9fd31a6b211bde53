import { expect, test } from "vitest";
import { quotedInTests } from "../repository/test-titles.ts";
import { readPage } from "./pages.ts";

test("docs/compatibility.md names tests that there are", () => {
  const text = readPage("docs/compatibility.md").replace(/\s+/g, " ");
  const named = Array.from(text.matchAll(/\*"([^"]+)"\*/g), ([, title = ""]) => title);
  const titles = quotedInTests();

  expect(named.length).toBeGreaterThan(6);
  expect(named.filter((title) => title !== "italics" && !titles.has(title))).toEqual([]);
});
