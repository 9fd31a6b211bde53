import { dashboardRows, resolveConfig, selectorsIn } from "@pushcast/cdk8s";
import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import { describe, expect, test } from "vitest";
import { manifestsOf, nameOf, workloadsOf } from "../../infra/cdk8s/test/support/manifests.ts";
import { codeSpans } from "../repository/markdown.ts";
import { blocksOf, readPage } from "./pages.ts";

const PAGE = "docs/runbook.md";
const SPANS = codeSpans(readPage(PAGE));
const COMMANDS = [...blocksOf(PAGE).map(({ code }) => code), ...SPANS]
  .flatMap((code) => code.replaceAll("|\n", "| ").split("\n"))
  .filter((line) => line.startsWith("kubectl"));
const MANIFESTS = manifestsOf(resolveConfig("prod"));

function inCommands(pattern: RegExp): string[] {
  return [...new Set(COMMANDS.flatMap((command) => command.match(pattern) ?? []))];
}

describe("the commands of the runbook", () => {
  test("are in the manifests' namespace", () => {
    expect(COMMANDS.length).toBeGreaterThan(10);
    expect(COMMANDS.filter((command) => !command.startsWith("kubectl -n pushcast "))).toEqual([]);
  });

  test("name objects that there are", () => {
    const known = new Set(MANIFESTS.map((manifest) => nameOf(manifest).toLowerCase()));
    const named = inCommands(/\b(?:deployment|statefulset|service)\/[a-z-]+/g);

    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test("select pods by labels that they have", () => {
    const labels = workloadsOf(MANIFESTS).flatMap((workload) =>
      Object.entries(workload.labels).map(([name, value]) => `${name}=${value}`),
    );
    const selected = inCommands(/(?<=-l )\S+/g);

    expect(selected.length).toBeGreaterThan(2);
    expect(selected.filter((label) => !labels.includes(label))).toEqual([]);
  });

  test("delete Secrets that pods have", () => {
    const secrets = inCommands(/(?<=delete secret )[a-z-]+/g);

    expect(secrets).not.toEqual([]);
    expect(secrets.filter((name) => !JSON.stringify(MANIFESTS).includes(`"${name}"`))).toEqual([]);
  });
});

describe("the names in the runbook", () => {
  test("of panels are those of the dashboard, in straight quotes", () => {
    const panels = dashboardRows(selectorsIn("pushcast")).flatMap(({ panels }) =>
      panels.map(({ title }) => title),
    );
    const text = readPage(PAGE)
      .replaceAll(/```.*?```|`[^`]*`/gs, "")
      .replaceAll(/\s+/g, " ");
    const quoted = Array.from(text.matchAll(/"([A-Z][^"]+)"/g), ([, title = ""]) => title);

    expect(quoted.length).toBeGreaterThan(10);
    expect(quoted.filter((title) => !panels.includes(title))).toEqual([]);
  });

  test("of settings are those of the services", () => {
    const settings = new Set([...Object.keys(nodeSettings), ...Object.keys(pushManagerSettings)]);
    const errors = readPage("docs/reference.md") + readPage("docs/protocol.md");
    const named = SPANS.flatMap((span) => /^[A-Z]+(?:_[A-Z]+)+/.exec(span)?.[0] ?? []);

    expect(named.length).toBeGreaterThan(20);
    const isKnown = (name: string) =>
      settings.has(name) || OTHERS.has(name) || errors.includes(`\`${name}\``);
    expect(named.filter((name) => !isKnown(name))).toEqual([]);
  });

  test("of metrics are exported", () => {
    const reference = readPage("docs/reference.md");
    const named = SPANS.flatMap((span) => span.match(/\b(?:connect_node|push_manager)_\w+/g) ?? []);

    expect(named).not.toEqual([]);
    expect(named.filter((name) => !new RegExp(`\`${name}[\`{]`).test(reference))).toEqual([]);
  });
});

/** Words of gRPC, of the proto, and of Node. */
const OTHERS = new Set(["RESOURCE_EXHAUSTED", "WAIT_NONE", "LINK_DOWN", "NODE_EXTRA_CA_CERTS"]);
