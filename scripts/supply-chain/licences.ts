import type { LockedPackage } from "./lock-file.ts";

/**
 * The licences, by SPDX, of what may be shipped: they ask for their text and notice to be kept, and for
 * nothing of the programs that use them.
 */
const ALLOWED_LICENCES: ReadonlySet<string> = new Set([
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "Python-2.0",
  "Unlicense",
]);

/** Whether every licence that an SPDX expression asks for, or one that it leaves to choose, is allowed. */
export function isAllowed(expression: string): boolean {
  const alternatives = expression.replace(/^\((.*)\)$/, "$1").split(" OR ");
  return alternatives.some((all) =>
    all.split(" AND ").every((licence) => ALLOWED_LICENCES.has(licence)),
  );
}

/**
 * A table of packages and their licences, without those of this repository.
 * @throws Error naming each package whose licence is not on the list
 */
export function licencesTable(packages: Iterable<LockedPackage>): string {
  const rows: string[] = [];
  const refused: string[] = [];
  for (const { name, version, licence, isOwn } of packages) {
    if (isOwn) continue;
    if (licence === undefined || !isAllowed(licence)) {
      refused.push(`${name} ${version} is under ${licence ?? "no licence that it names"}`);
    }
    rows.push(`| ${name} | ${version} | ${licence} |`);
  }
  if (refused.length > 0) throw new Error(`not on the list of licences:\n${refused.join("\n")}`);
  return ["| package | version | licence |", "|---|---|---|", ...rows].join("\n");
}
