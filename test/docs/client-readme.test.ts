import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { blockOf } from "./pages.ts";

const EXAMPLE = blockOf("packages/client/README.md", 'import assert from "node:assert/strict";');

test("the example with the fake server in the client's README holds what it asserts", async () => {
  // Where packages are found from.
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/client-readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "example.ts");
  writeFileSync(file, EXAMPLE.code);
  await promisify(execFile)(join(ROOT, "node_modules/.bin/tsx"), ["--conditions=source", file]);
});
