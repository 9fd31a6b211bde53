import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePosition } from "@pushcast/wire";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { blocksOf, readPage } from "./pages.ts";

const PAGE = "docs/protocol.md";

/** The frames of the dialogues, as TypeScript that declares each to be of its shape. */
function frames(): string[] {
  const said = readPage(PAGE).matchAll(/^1\. \*(?:Client|Server)\* `(\{.*\})`$/gm);
  return Array.from(said, ([, json = ""]) => json);
}

/** The shape that the page gives each type of frame. */
function shapes(): Map<string, string> {
  const types = blocksOf(PAGE).flatMap(({ code }) => {
    const [, name] = /^interface (\w+)/.exec(code) ?? [];
    const [, type] = /\btype: "(\w+)"/.exec(code) ?? [];
    return name === undefined || type === undefined ? [] : [[type, name] as const];
  });
  return new Map(types);
}

test("the shapes of frames compile, and every frame of the dialogues is of its shape", () => {
  const shapeOf = shapes();
  const declared = frames().map((json, index) => {
    return `export const frame${index}: ${shapeOf.get(JSON.parse(json).type)} = ${json};`;
  });
  const written = blocksOf(PAGE).filter(({ language }) => language === "typescript");
  const folder = mkdtempSync(join(tmpdir(), "pushcast-protocol-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "frames.ts");
  writeFileSync(
    file,
    [
      "type Position = { readonly [epoch: string]: number };",
      ...written.map(({ code }) => code),
      ...declared,
    ].join("\n"),
  );

  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const options = ["--strict", "--noEmit", "--target", "esnext", "--module", "nodenext"];
  const { stdout } = spawnSync(tsc, [...options, "--ignoreConfig", file], { encoding: "utf8" });

  expect(written.length).toBe(shapeOf.size);
  expect(declared.length).toBeGreaterThan(20);
  expect(stdout).toBe("");
});

test("the position is one that the server reads", () => {
  const [position, ...others] = blocksOf(PAGE).filter(({ language }) => language === "json");

  expect(others).toEqual([]);
  expect(parsePosition(JSON.parse(position?.code ?? ""), 128)).toBeDefined();
});
