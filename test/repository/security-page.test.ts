import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configOptions } from "@pushcast/cdk8s";
import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import { describe, expect, test } from "vitest";
import { ROOT } from "./files.ts";
import { codeSpans } from "./markdown.ts";
import { quotedInTests } from "./test-titles.ts";

const PAGE = readFileSync(join(ROOT, "SECURITY.md"), "utf8");

describe("SECURITY.md", () => {
  test("names tests that there are", () => {
    const text = PAGE.replace(/\s+/g, " ");
    const named = Array.from(text.matchAll(/\*"([^"]+)"\*/g), ([, title = ""]) => title);
    const titles = quotedInTests();

    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((title) => !titles.has(title))).toEqual([]);
  });

  test("names settings that there are", () => {
    const settings = new Set([...Object.keys(nodeSettings), ...Object.keys(pushManagerSettings)]);
    const named = codeSpans(PAGE).flatMap((span) => /^[A-Z]+(?:_[A-Z]+)+/.exec(span)?.[0] ?? []);

    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !settings.has(name))).toEqual([]);
  });

  test("names options of the manifests that there are", () => {
    const options = new Set(configOptions().map(({ path }) => path.join(".")));
    const named = codeSpans(PAGE).filter((span) => /^(network|ingress|tls)\.\w+/.test(span));

    expect(named).not.toEqual([]);
    expect(named.filter((name) => !options.has(name))).toEqual([]);
  });

  test("explains what is found in versions that are locked, and in no others", () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
    const locked = Object.entries<{ version?: string }>(packages).map(
      ([place, { version }]) => `${place.split("node_modules/").at(-1)} ${version}`,
    );
    const found = Array.from(
      PAGE.matchAll(/\), ([\w-]+ \d+\.\d+\.\d+):/g),
      ([, name = ""]) => name,
    );

    expect(found).toHaveLength(2);
    for (const name of found) expect(locked).toContain(name);
  });
});
