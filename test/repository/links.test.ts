import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, repositoryFiles } from "./files.ts";
import { anchors, linkTargets } from "./markdown.ts";

const PAGES = repositoryFiles().filter((path) => path.endsWith(".md"));

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Whether a link within the repository leads to a file, and to a heading of it. */
function leadsSomewhere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, file))) return false;
  return anchor === undefined || anchors(read(file)).has(anchor);
}

test("every link from one page to another leads to a file and a heading that are there", () => {
  expect(PAGES.length).toBeGreaterThan(10);
  const broken = PAGES.flatMap((page) =>
    linkTargets(read(page))
      .filter((target) => !/^\w+:/.test(target) && !leadsSomewhere(page, target))
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});
