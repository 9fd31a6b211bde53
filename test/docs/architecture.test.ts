import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { blockOf } from "./pages.ts";

const MAP = blockOf("docs/architecture.md", "proto/pushcast/v1/");

const PATHS = Array.from(MAP.code.matchAll(/^([a-z][\w/-]*)/gm), ([, path = ""]) => path);

test("the map of the repository names folders that there are, and every package", () => {
  const packages = ["packages", "services", "infra", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
  );

  expect(PATHS.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  expect(packages.filter((path) => !PATHS.includes(path))).toEqual([]);
});
