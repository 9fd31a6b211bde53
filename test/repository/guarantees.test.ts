import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./files.ts";
import { quotedInTests } from "./test-titles.ts";

/** What stands in bold in the page on delivery, as the title of a test would say it. */
function guarantees(): string[] {
  const page = readFileSync(join(ROOT, "docs/delivery.md"), "utf8").replace(/\s+/g, " ");
  return Array.from(page.matchAll(/\*\*([A-Z][^*]+?)\.?\*\*/g), ([, name = ""]) => {
    return name.slice(0, 1).toLowerCase() + name.slice(1);
  });
}

test("each guarantee of docs/delivery.md is the name of a test", () => {
  const names = guarantees();
  expect(names.length).toBeGreaterThan(15);
  const titles = quotedInTests();
  expect(names.filter((name) => !titles.has(name))).toEqual([]);
});
