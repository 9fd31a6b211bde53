import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RULES, RUNBOOK_URL } from "./example-rules.ts";

const runbook = readFileSync(join(import.meta.dirname, "../../../../docs/runbook.md"), "utf8");

test("the runbook has a section for each alert, in the same order, and no other", () => {
  const sections = [...runbook.matchAll(/^### (Pushcast\w+)$/gm)].map(([, name]) => name);
  expect(sections).toEqual(RULES.map(({ alert }) => alert));
});

test("each section says what the alert means, what users see, where to look and what to do", () => {
  const [, ...sections] = runbook.split(/^### (?=Pushcast)/m);
  for (const section of sections) {
    const said = [...section.matchAll(/^- \*\*(.+?):\*\* \S/gm)].map(([, heading]) => heading);
    expect(said, section).toEqual(["Means", "Users", "Look at", "Do"]);
  }
});

test("each alert refers to its section", () => {
  for (const { alert, annotations } of RULES) {
    expect(annotations.runbook_url).toBe(`${RUNBOOK_URL}#${alert.toLowerCase()}`);
  }
});
