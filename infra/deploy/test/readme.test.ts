import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { deletionCostSettings } from "../src/deletion-cost/settings.ts";
import { ExitCode } from "../src/deploy-error.ts";
import { USAGE } from "../src/usage.ts";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the page has every option", () => {
  const options = new Set(USAGE.match(/--[a-z-]+/g));

  expect(options.size).toBeGreaterThan(10);
  expect([...options].filter((option) => !README.includes(option))).toEqual([]);
});

test("the page and the usage have every exit code", () => {
  for (const code of Object.values(ExitCode)) {
    expect(README).toContain(`| ${code} | `);
    expect(USAGE).toContain(`\n${String(code).padStart(4)}   `);
  }
});

test("the page has every setting of the controller", () => {
  for (const name of Object.keys(deletionCostSettings)) expect(README).toContain(`\`${name}\``);
});
