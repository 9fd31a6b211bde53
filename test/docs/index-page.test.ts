import { expect, test } from "vitest";
import { linkTargets } from "../repository/markdown.ts";
import { PAGES, readPage } from "./pages.ts";

test("docs/README.md has one row for every page of docs/, and names every README", () => {
  const text = readPage("docs/README.md");
  const links = linkTargets(text);
  const rows = Array.from(text.matchAll(/^\| \[[^\]]+\]\(([^)]+)\)/gm), ([, link = ""]) => link);
  const readmes = PAGES.filter((page) => page.endsWith("/README.md") && page !== "docs/README.md");
  const pages = PAGES.flatMap((page) => /^docs\/(.+)$/.exec(page)?.[1] ?? []);

  expect(pages.length).toBeGreaterThan(10);
  expect(pages.filter((page) => page !== "README.md" && !rows.includes(page))).toEqual([]);
  expect(rows.filter((row, index) => rows.indexOf(row) !== index)).toEqual([]);
  expect(readmes.filter((readme) => !links.includes(`../${readme}`))).toEqual([]);
});
