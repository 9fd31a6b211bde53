/** A fenced block of code. */
export interface CodeBlock {
  /** Empty where none is given. */
  readonly language: string;
  readonly code: string;
  /** That of the opening fence, from 1. */
  readonly line: number;
}

const FENCED = /^( *)```(\w*)\n(.*?)^\1```$/gms;

export function codeBlocks(page: string): CodeBlock[] {
  return Array.from(
    page.matchAll(FENCED),
    ({ index, 1: indent = "", 2: language = "", 3: code = "" }) => ({
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      line: page.slice(0, index).split("\n").length,
    }),
  );
}

/** What stands in backticks within the text. */
export function codeSpans(page: string): string[] {
  return Array.from(page.replaceAll(FENCED, "").matchAll(/`([^`]+)`/g), ([, code = ""]) => code);
}

/** Where the links within the text lead. */
export function linkTargets(page: string): string[] {
  const text = page.replaceAll(FENCED, "");
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target);
}

/** The anchors that headings have, as GitHub makes them. */
export function anchors(page: string): Set<string> {
  const headings = page.replaceAll(FENCED, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/g, "-"),
    ),
  );
}
