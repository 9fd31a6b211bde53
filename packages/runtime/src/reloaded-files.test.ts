import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { ReloadedFiles } from "./reloaded-files.ts";

const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from the pattern.
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "pushcast-files-"));
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

/** Two files that must hold the same number. */
async function twoNumbers(folder: string) {
  const paths = [join(folder, "a"), join(folder, "b")];
  const write = (...texts: string[]) =>
    Promise.all(texts.map((text, index) => writeFile(paths[index] ?? "", text)));
  await write("1", "1");
  const loaded: number[] = [];
  const refused: string[] = [];
  const files = new ReloadedFiles({
    paths,
    parse: (a, b) => {
      if (String(a) !== String(b)) throw new Error(`${a} is not ${b}`);
      return Number(a);
    },
    onLoaded: (value) => loaded.push(value),
    onRefused: ({ message }) => refused.push(message),
  });
  return { files, paths, write, loaded, refused };
}

test("a new version is used as soon as the files are checked", async ({ folder }) => {
  const { files, write, loaded } = await twoNumbers(folder);
  expect(files.value).toBe(1);
  await write("2", "2");
  await files.check();
  expect(files.value).toBe(2);
  expect(loaded).toEqual([2]);
});

test("a version that cannot be used is told of once, and the one before stays", async ({
  folder,
}) => {
  const { files, write, loaded, refused } = await twoNumbers(folder);
  await write("2", "3");
  await files.check();
  await files.check();
  expect(files.value).toBe(1);
  expect(refused).toEqual(["2 is not 3"]);
  await write("3", "3");
  await files.check();
  expect(files.value).toBe(3);
  expect(loaded).toEqual([3]);
});

test("a file that is gone is told of once, and its return is no matter", async ({ folder }) => {
  const { files, paths, write, refused } = await twoNumbers(folder);
  await rm(paths[1] ?? "");
  await files.check();
  await files.check();
  expect(files.value).toBe(1);
  expect(refused).toEqual([expect.stringContaining("ENOENT")]);
  await write("1", "1");
  await files.check();
  expect(files.value).toBe(1);
});

test("files that cannot be used at first are an error", async ({ folder }) => {
  const paths = [join(folder, "none")];
  const make = () =>
    new ReloadedFiles({ paths, parse: () => 1, onLoaded: () => {}, onRefused: () => {} });
  expect(make).toThrow("ENOENT");
});
