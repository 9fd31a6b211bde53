import type { FieldChange } from "./changes.ts";

const LONGEST_VALUE = 160;
const MOST_LINES = 20;

/** A change for a person: a line, or more where a text of several lines differs. */
export function describeChange({ path, before, after }: FieldChange): string[] {
  if (before === undefined) return [`+ ${path}: ${show(after)}`];
  if (after === undefined) return [`- ${path}: ${show(before)}`];
  if (isLines(before) && isLines(after)) return [`~ ${path}:`, ...lineChanges(before, after)];
  return [`~ ${path}: ${show(before)} → ${show(after)}`];
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}

function isLines(value: unknown): value is string {
  return typeof value === "string" && value.includes("\n");
}

/** The lines between the first that differs and the last that does. */
function lineChanges(before: string, after: string): string[] {
  const old = before.split("\n");
  const now = after.split("\n");
  let start = 0;
  while (start < old.length && old[start] === now[start]) start++;
  let end = 0;
  const most = Math.min(old.length, now.length) - start;
  while (end < most && old.at(-1 - end) === now.at(-1 - end)) end++;
  return [
    ...atMost(old.slice(start, old.length - end), "-"),
    ...atMost(now.slice(start, now.length - end), "+"),
  ];
}

function atMost(lines: readonly string[], sign: string): string[] {
  const shown = lines.slice(0, MOST_LINES).map((line) => `    ${sign} ${line}`);
  const more = lines.length - shown.length;
  return more === 0 ? shown : [...shown, `    ${sign} … ${more} more lines`];
}
