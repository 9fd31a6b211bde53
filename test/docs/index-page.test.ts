import { expect, test } from "vitest";
import { linkTargets } from "../repository/markdown.ts";
import { PAGES, readPage } from "./pages.ts";

test("docs/README.md names every page of docs/", () => {
  const links = linkTargets(readPage("docs/README.md"));
  const pages = PAGES.flatMap((page) => /^docs\/(.+)$/.exec(page)?.[1] ?? []);

  expect(pages.length).toBeGreaterThan(10);
  expect(pages.filter((page) => page !== "README.md" && !links.includes(page))).toEqual([]);
});
