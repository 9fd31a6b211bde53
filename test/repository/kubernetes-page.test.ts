import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configOptions, createApp, loadConfig, PROFILES, resolveConfig } from "@pushcast/cdk8s";
import { nodeSettings } from "@pushcast/connect-node";
import { pushManagerSettings } from "@pushcast/push-manager";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import {
  type Manifest,
  manifestsOf,
  nameOf,
  ofKind,
  workloadsOf,
} from "../../infra/cdk8s/test/support/manifests.ts";
import { readCommandLine } from "../../infra/deploy/src/command-line.ts";
import { ROOT } from "./files.ts";
import { codeBlocks, codeSpans } from "./markdown.ts";

const PAGE = readFileSync(join(ROOT, "docs/kubernetes.md"), "utf8");
const BLOCKS = codeBlocks(PAGE);
const COMMANDS = blocks("sh").flatMap((code) => code.replaceAll("\\\n", " ").split("\n"));
const MANIFESTS: Readonly<Record<string, readonly Manifest[]>> = Object.fromEntries(
  Object.keys(PROFILES).map((name) => [name, manifestsOf(resolveConfig(name))]),
);
const ALL_MANIFESTS = Object.values(MANIFESTS).flat();

function blocks(language: string): string[] {
  return BLOCKS.filter((block) => block.language === language).map(({ code }) => code);
}

/** Every part of the page's commands that matches, without repeats. */
function inCommands(pattern: RegExp): string[] {
  return [...new Set(COMMANDS.flatMap((command) => command.match(pattern) ?? []))];
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-page-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("the configurations on the page", () => {
  const configs = [
    ...blocks("ts").flatMap((code) => (code.includes("ConfigInput") ? { type: "ts", code } : [])),
    ...blocks("json").map((code) => ({ type: "json", code })),
  ].map(({ type, code }, index) => ({ type, code, name: `${type} ${index + 1}` }));

  test("are several", () => {
    expect(configs.length).toBeGreaterThan(3);
  });

  test.for(configs)("are valid over prod: $name", async ({ type, code }) => {
    const file = join(temporaryFolder(), `own.${type}`);
    writeFileSync(file, code);
    const config = await loadConfig({ profile: "prod", file });
    expect(() => createApp(config)).not.toThrow();
  });

  test("do not say what prod says anyway", async () => {
    for (const { type, code } of configs) {
      const file = join(temporaryFolder(), `own.${type}`);
      writeFileSync(file, code);
      expect(await loadConfig({ profile: "prod", file })).not.toEqual(resolveConfig("prod"));
    }
  });
});

describe("the names on the page", () => {
  const spans = codeSpans(PAGE);

  test("of options are those of the configuration", () => {
    const options = configOptions().map(({ path }) => path.join("."));
    const sections = new Set(options.map((option) => option.split(".")[0] ?? ""));
    const named = spans.filter((span) => {
      const [section = "", ...rest] = span.split(".");
      const isFile = /\.(crt|key)$/.test(span);
      return sections.has(section) && !isFile && (rest.length > 0 || options.includes(section));
    });

    expect(named.length).toBeGreaterThan(5);
    const isKnown = (name: string) =>
      options.some((option) => option === name || option.startsWith(`${name}.`));
    expect(named.filter((name) => !isKnown(name))).toEqual([]);
  });

  test("of settings are those of the services", () => {
    const settings = new Set([...Object.keys(nodeSettings), ...Object.keys(pushManagerSettings)]);
    const named = spans.flatMap((span) => span.match(/^[A-Z]+(?:_[A-Z]+)+/)?.[0] ?? []);

    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !settings.has(name))).toEqual([]);
  });

  test("of metrics are exported", () => {
    const reference = readFileSync(join(ROOT, "docs/reference.md"), "utf8");
    const named = spans.filter((span) => /^(connect_node|push_manager)_\w+$/.test(span));

    expect(named).not.toEqual([]);
    expect(named.filter((name) => !new RegExp(`\`${name}[\`{]`).test(reference))).toEqual([]);
  });

  test("of hosts are those of Services", () => {
    const text = `${PAGE} ${blocks("ts").join(" ")}`;
    const hosts = Array.from(text.matchAll(/([a-z-]+)\.pushcast\.svc:(\d+)/g));

    expect(hosts.length).toBeGreaterThan(2);
    for (const [, name = "", port] of hosts) expect(portsOf(name)).toContain(Number(port));
  });
});

describe("the commands on the page", () => {
  test("run npm scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const named = PAGE.match(/(?<=npm run )[\w:-]+/g) ?? [];

    expect(named).not.toEqual([]);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test("give npm run deploy arguments that it takes", () => {
    const commands = COMMANDS.concat(codeSpans(PAGE)).flatMap(
      (command) => /^npm run deploy -- (.+)$/.exec(command)?.[1] ?? [],
    );

    expect(commands.length).toBeGreaterThan(3);
    for (const args of commands) expect(() => readCommandLine(args.split(" "))).not.toThrow();
  });

  test("name files that there are, or that synth writes", () => {
    const files = inCommands(/\b(?:charts|scripts)\/[\w./-]+/g);
    const written = inCommands(/\bout\/[\w./-]+/g).map((path) =>
      path.replace("out/", "charts/prod/"),
    );

    expect(files).not.toEqual([]);
    expect(written).not.toEqual([]);
    expect([...files, ...written].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test("name objects that the manifests have, in their namespace", () => {
    const objects = inCommands(/\b(?:statefulset|deployment|service)[ /][a-z-]+/g);
    const known = new Set(ALL_MANIFESTS.map((manifest) => nameOf(manifest).toLowerCase()));

    expect(objects.length).toBeGreaterThan(3);
    expect(objects.filter((name) => !known.has(name.replace(" ", "/")))).toEqual([]);
    expect(inCommands(/(?<=kubectl -n )\S+/g)).toEqual([resolveConfig("prod").namespace]);
  });

  test("forward ports that the Services have", () => {
    const forwards = COMMANDS.flatMap((command) => {
      const [, name, port] = /port-forward service\/(\S+) (\d+)/.exec(command) ?? [];
      return name === undefined ? [] : [{ name, port: Number(port) }];
    });

    expect(forwards).toHaveLength(2);
    for (const { name, port } of forwards) expect(portsOf(name)).toContain(port);
  });

  test("select volumes by labels that they have", () => {
    const selected = inCommands(/(?<=persistentvolumeclaim -l )\S+/g);
    const labels = ofKind(ALL_MANIFESTS, "StatefulSet").flatMap(({ spec }) =>
      (spec?.volumeClaimTemplates ?? []).flatMap(({ metadata }) =>
        Object.entries(metadata?.labels ?? {}).map(([name, value]) => `${name}=${value}`),
      ),
    );

    expect(selected.length).toBeGreaterThan(1);
    expect(selected.filter((label) => !labels.includes(label))).toEqual([]);
  });

  test("load the images that dev runs", () => {
    const { pushManager, connectNode } = resolveConfig("dev").images;
    expect(inCommands(/\blocalhost\/\S+/g)).toEqual([pushManager, connectNode]);
  });
});

describe("the Secrets on the page", () => {
  const prod = MANIFESTS.prod ?? [];
  const spans = codeSpans(PAGE);

  test("are those that the pods of prod have, with their keys", () => {
    const needed = workloadsOf(prod).flatMap(({ spec }) =>
      (spec.volumes ?? []).flatMap(({ secret, projected }) => [
        ...(secret === undefined ? [] : [secret.secretName ?? ""]),
        ...(projected?.sources ?? []).flatMap(({ secret }) => [
          secret?.name ?? "",
          ...(secret?.items ?? []).map(({ key }) => key),
        ]),
      ]),
    );

    expect(new Set(needed).size).toBeGreaterThan(8);
    expect(needed.filter((name) => !spans.includes(name))).toEqual([]);
  });

  test("are made with the names that Certificates have", () => {
    const tls = { issuer: { name: "pushcast-ca" } };
    const names = ofKind(manifestsOf(resolveConfig("prod", { tls })), "Certificate").flatMap(
      ({ spec }) => spec?.dnsNames ?? [],
    );
    const [, table = ""] = PAGE.split("they need these names");
    const named = codeSpans(table.split("\n\n")[1] ?? "").filter((span) => !span.endsWith("-tls"));

    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
  });

  test("have an issuer that the configuration above them names", () => {
    const issuers = blocks("yaml")
      .flatMap((code) => parseAllDocuments(code))
      .map((document) => document.toJS())
      .filter(({ kind, spec }) => kind === "Issuer" && spec.ca !== undefined);

    expect(issuers.map(({ metadata }) => metadata)).toEqual([
      { name: "pushcast-ca", namespace: resolveConfig("prod").namespace },
    ]);
    expect(PAGE).toContain(`tls: { issuer: { name: "pushcast-ca" } }`);
  });
});

test("publishers have the label that prod asks for", () => {
  const { publishers } = resolveConfig("prod").network;
  const [publisher] = publishers === "anyone" ? [] : publishers;
  const labels = Object.entries(publisher?.podLabels ?? {});

  expect(labels).toHaveLength(1);
  for (const [name, value] of labels) expect(PAGE).toContain(`\`${name}: "${value}"\``);
});

test("the BackendConfig checks health where the pods say it", () => {
  const [backendConfig] = blocks("yaml")
    .filter((code) => code.includes("kind: BackendConfig"))
    .map((code) => parse(code));
  const { metadata, spec } = backendConfig;
  const json = JSON.parse(blocks("json")[0] ?? "");
  const annotation = json.connectNode.service.annotations["cloud.google.com/backend-config"];

  expect(JSON.parse(annotation)).toEqual({ default: metadata.name });
  expect(metadata.namespace).toBe(resolveConfig("prod").namespace);
  expect(spec.healthCheck.port).toBe(nodeSettings.OPS_PORT.default);
});

/** The ports of a Service. */
function portsOf(name: string): number[] {
  const services = ofKind(ALL_MANIFESTS, "Service");
  return services.flatMap(({ metadata, spec }) =>
    metadata?.name === name ? (spec?.ports ?? []).map(({ port }) => port) : [],
  );
}
