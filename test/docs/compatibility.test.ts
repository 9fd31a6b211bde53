import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import type { SettingsSchema } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { codeSpans } from "../repository/markdown.ts";
import { quotedInTests } from "../repository/test-titles.ts";
import { readPage } from "./pages.ts";

test("docs/compatibility.md names tests that there are", () => {
  const text = readPage("docs/compatibility.md").replace(/\s+/g, " ");
  const named = Array.from(text.matchAll(/\*"([^"]+)"\*/g), ([, title = ""]) => title);
  const titles = quotedInTests();

  expect(named.length).toBeGreaterThan(6);
  expect(named.filter((title) => title !== "italics" && !titles.has(title))).toEqual([]);
});

test("docs/compatibility.md names the settings that must be the same in all processes", () => {
  const [, paragraph = ""] =
    /\*\*The same in all processes\*\*([\s\S]*?)\n\n/.exec(readPage("docs/compatibility.md")) ?? [];
  const named = codeSpans(paragraph).filter((span) => /^[A-Z_]+$/.test(span));
  const schema: SettingsSchema = { ...nodeSettings, ...pushManagerSettings };
  const common = Object.keys(schema).filter(
    (name) =>
      /The same (in all processes|on all nodes)\./.test(schema[name]?.doc ?? "") &&
      !name.endsWith("_FILE"),
  );

  expect(named.toSorted()).toEqual(common.toSorted());
  // What the processes show of them, and pushcast doctor compares.
  const shown = ["connect-node", "push-manager"].flatMap((service) => {
    const code = readFileSync(join(ROOT, `services/${service}/src/metrics.ts`), "utf8");
    const [, settings = ""] = /showCommonSettings\([^{]*\{([^}]*)\}/.exec(code) ?? [];
    return Array.from(settings.matchAll(/: settings\.([A-Z_]+),/g), ([, name]) => name);
  });
  expect([...new Set(shown)].sort()).toEqual(common.toSorted());
});
