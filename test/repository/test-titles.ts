import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, repositoryFiles } from "./files.ts";

/** Every text in quotes of every test: their titles, and more. */
export function quotedInTests(): Set<string> {
  const texts = repositoryFiles()
    .filter((path) => path.endsWith(".test.ts") || path.includes("/policies/"))
    .flatMap((path) => readFileSync(join(ROOT, path), "utf8").match(/"(?:[^"\\\n]|\\.)*"/g) ?? []);
  return new Set(texts.map((text) => text.slice(1, -1)));
}
