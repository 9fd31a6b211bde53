import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "./files.ts";

const GENERATED_CODE = "packages/api/src/gen";
const DESCRIPTOR_SET = "packages/api/pushcast.binpb";

let fresh: string;

beforeAll(() => {
  fresh = mkdtempSync(join(tmpdir(), "pushcast-generated-"));
});

afterAll(() => rmSync(fresh, { recursive: true }));

test("the protos are free of lint", () => {
  buf("lint");
});

test("the committed TypeScript is what the protos generate", () => {
  buf("generate", "--output", fresh);

  expect(filesOf(join(ROOT, GENERATED_CODE))).toEqual(filesOf(join(fresh, GENERATED_CODE)));
});

test("the committed descriptor set is what the protos build", () => {
  const descriptorSet = join(fresh, "pushcast.binpb");
  buf("build", "--output", descriptorSet);

  expect(readFileSync(join(ROOT, DESCRIPTOR_SET)).equals(readFileSync(descriptorSet))).toBe(true);
});

/** Throws with what buf printed if it fails. */
function buf(...args: readonly string[]): void {
  execFileSync(join(ROOT, "node_modules/.bin/buf"), args, { cwd: ROOT });
}

/** Text by path. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.map((file) => [file.slice(folder.length), readFileSync(file, "utf8")]),
  );
}
