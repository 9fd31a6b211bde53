import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import type { CodeBlock } from "../repository/markdown.ts";
import { type Claim, testOf } from "./claim.ts";
import { CLAIMS } from "./claims.ts";
import { blocksOf, PAGES, readPage } from "./pages.ts";

const firstLine = ({ code }: CodeBlock) => code.split("\n").find((line) => line !== "") ?? "";

/** A claim on this very block goes before one on all of its language. */
function claimOn(block: CodeBlock, claims: readonly Claim[]): Claim | undefined {
  return (
    claims.find((claim) => "block" in claim && claim.block === firstLine(block)) ??
    claims.find((claim) => "every" in claim && claim.every === block.language)
  );
}

test("every block of code in the documents is run, checked, a diagram, or not run for a reason", () => {
  const unaccounted = PAGES.flatMap((page) =>
    blocksOf(page)
      .filter((block) => claimOn(block, CLAIMS[page] ?? []) === undefined)
      .map(
        (block) => `${page}:${block.line}: \`${firstLine(block)}\` is not in test/docs/claims.ts`,
      ),
  );

  expect(PAGES.length).toBeGreaterThan(10);
  expect(unaccounted).toEqual([]);
});

test("every claim is on a block that there is, and names one block only where it names one", () => {
  const idle = Object.entries(CLAIMS).flatMap(([page, claims]) => {
    const blocks = PAGES.includes(page) ? blocksOf(page) : [];
    return claims.flatMap((claim) => {
      const of = blocks.filter((block) => claimOn(block, claims) === claim).length;
      return of === 0 || ("block" in claim && of > 1) ? [{ page, of, ...claim }] : [];
    });
  });

  expect(idle).toEqual([]);
});

test("every test that a claim names is there, and reads the page", () => {
  const missing = Object.entries(CLAIMS).flatMap(([page, claims]) =>
    [...new Set(claims.flatMap((claim) => testOf(claim) ?? []))].filter((path) => {
      const file = join(ROOT, path);
      if (!existsSync(file)) return true;
      const code = readFileSync(file, "utf8");
      return !code.includes(page) && !/\bPAGES\b/.test(code);
    }),
  );

  expect(missing).toEqual([]);
});

test("code stands in fences, where the tests find it", () => {
  const indented = PAGES.filter((page) => /\n\n {4}(?![-*\d ])\S/.test(readPage(page)));

  expect(indented).toEqual([]);
});
