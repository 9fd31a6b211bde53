import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, repositoryFiles } from "../repository/files.ts";
import { type CodeBlock, codeBlocks } from "../repository/markdown.ts";

/** What people read to use the system, relative to the repository. */
export const PAGES: readonly string[] = repositoryFiles()
  .filter((path) => /^([^/]+|docs\/[^/]+|(packages|examples|infra)\/[^/]+\/README)\.md$/.test(path))
  .filter((path) => path !== "CHANGELOG.md");

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

export function blocksOf(page: string): CodeBlock[] {
  return codeBlocks(readPage(page));
}

/** The one block of a page whose first line is, or begins with, `first`. */
export function blockOf(page: string, first: string): CodeBlock {
  const [block, ...others] = blocksOf(page).filter(({ code }) => code.startsWith(first));
  if (block === undefined) throw new Error(`${page} has no block that begins with "${first}"`);
  if (others.length > 0) throw new Error(`${page} has several blocks that begin with "${first}"`);
  return block;
}

/** Puts other addresses and names into a block than those that it has. Throws where it lacks one of them. */
export function withReplaced(code: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((text, [named, real]) => {
    if (!text.includes(named)) throw new Error(`the block does not name ${named}:\n${code}`);
    return text.replaceAll(named, real);
  }, code);
}
