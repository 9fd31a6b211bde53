import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { codeSpans } from "../repository/markdown.ts";
import { blockOf, readPage } from "./pages.ts";

const PAGE = "docs/architecture.md";
const MAP = blockOf(PAGE, "proto/pushcast/v1/");

const PATHS = Array.from(MAP.code.matchAll(/^([a-z][\w/-]*)/gm), ([, path = ""]) => path);

test("the map of the repository names folders that there are, and every package", () => {
  const packages = ["packages", "services", "infra", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
  );

  expect(PATHS.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  expect(packages.filter((path) => !PATHS.includes(path))).toEqual([]);
});

test.each(["push-manager", "connect-node"])(
  "the files of the %s that it tells of are there",
  (service) => {
    const [, section = ""] = readPage(PAGE).split(`### ${service}, file by file\n`);
    const [table = ""] = section.split(/\n#/);
    const named = Array.from(table.matchAll(/^\| (`[^|]+) \|/gm), ([, cell = ""]) =>
      codeSpans(cell),
    );
    const missing = named.flat().filter((name) => {
      const path = join(ROOT, "services", service, "src", name);
      return !existsSync(name.endsWith("/") ? path : `${path}.ts`);
    });

    expect(named.length).toBeGreaterThan(8);
    expect(missing.filter((name) => !["page/", "src/"].includes(name))).toEqual([]);
  },
);
