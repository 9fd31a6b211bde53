import type { Output } from "../frame/output.ts";
import { printable } from "../frame/printable.ts";
import type { Style, Styler } from "../frame/style.ts";
import { wrap } from "../frame/wrap.ts";
import type { Finding, FindingStatus, Section } from "./finding.ts";

const STATUSES: readonly FindingStatus[] = ["ok", "warn", "fail", "not checked"];

const STYLES: Readonly<Record<FindingStatus, Style>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
  "not checked": "dim",
};

/** As `✓` and colours are not everywhere. */
const MARKS: Readonly<Record<FindingStatus, string>> = {
  ok: "ok",
  warn: "WARN",
  fail: "FAIL",
  "not checked": "-",
};

const MARK_WIDTH = 6;

export type Counts = Readonly<Record<FindingStatus, number>>;

export function countFindings(sections: readonly Section[]): Counts {
  const all = sections.flatMap(({ findings }) => findings);
  const count = (status: FindingStatus) =>
    all.filter((finding) => finding.status === status).length;
  return {
    ok: count("ok"),
    warn: count("warn"),
    fail: count("fail"),
    "not checked": count("not checked"),
  };
}

/** For programs. */
export function reportJson(sections: readonly Section[]): object {
  const { ok, warn, fail, "not checked": notChecked } = countFindings(sections);
  return {
    status: fail > 0 ? "fail" : warn > 0 ? "warn" : "ok",
    counts: { ok, warn, fail, not_checked: notChecked },
    checks: sections.flatMap(({ title, findings }) =>
      findings.map((finding) => ({
        section: title,
        check: finding.check,
        status: finding.status.replace(" ", "_"),
        found: finding.found,
        ...(finding.status === "ok" ? {} : { advice: finding.advice }),
      })),
    ),
  };
}

/** For people: by section, and at the end how many of each there are. */
export function reportLines(
  sections: readonly Section[],
  { style, columns }: Pick<Output, "style" | "columns">,
): string[] {
  const width = Math.min(columns, 100);
  const counts = countFindings(sections);
  const sum = STATUSES.filter((status) => counts[status] > 0)
    .map((status) => style(STYLES[status], `${counts[status]} ${status}`))
    .join(", ");
  return [
    ...sections.flatMap(({ title, findings }) => [
      style("bold", title),
      ...findings.flatMap((finding) => findingLines(finding, width, style)),
      "",
    ]),
    sum,
  ];
}

function findingLines(finding: Finding, width: number, style: Styler): string[] {
  const { check, status, found } = finding;
  const indent = " ".repeat(2 + MARK_WIDTH);
  const room = Math.max(20, width - indent.length);
  const [first = "", ...rest] = wrap(`${check}: ${printable(found)}`, room);
  const head = `  ${style(STYLES[status], MARKS[status].padEnd(MARK_WIDTH))}${first}`;
  const advice =
    status === "ok"
      ? []
      : wrap(printable(finding.advice), room - 2).map(
          (line, index) => `${indent}${index === 0 ? "→ " : "  "}${line}`,
        );
  return [head, ...rest.map((line) => indent + line), ...advice];
}
