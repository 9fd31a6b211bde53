import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "./files.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pushcast-closing-line-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("the last line of a run counts the tests that passed", () => {
  const run = runVitest(`test("a", () => {}); test("b", () => {});`);

  expect(run).toEqual({ lastLine: "2 passed, 0 failed", status: 0 });
});

test("failed and skipped tests are counted", () => {
  const run = runVitest(`
    test("a", () => {});
    test("b", () => expect(1).toBe(2));
    test.skip("c", () => {});
    test.todo("d");
  `);

  expect(run).toEqual({ lastLine: "1 passed, 1 failed, 2 skipped", status: 1 });
});

test("a failing hook counts as failed", () => {
  const run = runVitest(`
    describe("suite", () => {
      beforeAll(() => { throw new Error("no"); });
      test("a", () => {});
    });
  `);

  expect(run).toEqual({ lastLine: "0 passed, 1 failed, 1 skipped", status: 1 });
});

test("a file that does not load counts as failed", () => {
  const run = runVitest(`throw new Error("no");`);

  expect(run).toEqual({ lastLine: "0 passed, 1 failed", status: 1 });
});

test("an error outside any test counts as failed", () => {
  const run = runVitest(`test("a", () => { void Promise.reject(new Error("no")); });`);

  expect(run).toEqual({ lastLine: "1 passed, 1 failed", status: 1 });
});

test("a run in which no test ran fails", () => {
  const run = runVitest(`test.skip("a", () => {});`);

  expect(run).toEqual({ lastLine: "0 passed, 0 failed, 1 skipped", status: 1 });
});

/** Runs vitest with the reporters of this repository on one file. */
function runVitest(testFile: string): { lastLine: string | undefined; status: number | null } {
  writeFileSync(join(folder, "some.test.ts"), testFile);
  // Or vitest would take one from a folder above.
  writeFileSync(join(folder, "vitest.config.mjs"), "export default {};");
  const reporters = ["default", join(ROOT, "test/closing-line.ts")];
  const { status, stdout } = spawnSync(
    join(ROOT, "node_modules/.bin/vitest"),
    ["run", "--globals", ...reporters.map((reporter) => `--reporter=${reporter}`)],
    { cwd: folder, encoding: "utf8" },
  );
  return { lastLine: stdout.trimEnd().split("\n").at(-1), status };
}
