import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { VERSION } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { ROOT, repositoryFiles } from "./files.ts";

const packageFiles = repositoryFiles().filter((path) => basename(path) === "package.json");

test.each(packageFiles)("%s has the version that processes say", (path) => {
  const { version } = JSON.parse(readFileSync(join(ROOT, path), "utf8"));

  expect(version).toBe(VERSION);
});
