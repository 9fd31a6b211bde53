// Writes the tables of settings and metrics in docs/operations.md from the code. With --check it
// changes nothing and fails if they are not current.
import { readFile, writeFile } from "node:fs/promises";
import {
  type ConnectNodeReady,
  createConnectNode,
  nodeChecks,
  nodeSettings,
} from "@pushcast/connect-node";
import {
  createPushManager,
  type PushManagerReady,
  pushManagerChecks,
  pushManagerSettings,
} from "@pushcast/push-manager";
import { createRegistry, RegistryMemory } from "@pushcast/registry";
import {
  createLogger,
  requireSettings,
  type Service,
  type SettingsSchema,
} from "@pushcast/runtime";

const PAGE = new URL("../docs/operations.md", import.meta.url);

function settingsTable(): string {
  const rows = Object.keys({ ...pushManagerSettings, ...nodeSettings }).map((name) => {
    const both = [pushManagerSettings, nodeSettings].map(
      (schema) => (schema as SettingsSchema)[name],
    );
    const [manager, node] = both;
    const setting = node ?? manager;
    const where = manager && node ? "both" : manager ? "manager" : "node";
    const defaults = new Set(
      both.flatMap((one) => (one === undefined ? [] : [shown(one.default)])),
    );
    return `| \`${name}\` | ${[...defaults].join(" · ")} | ${where} | ${cell(setting?.doc)} Takes ${cell(setting?.accepts)}. |`;
  });
  return ["| setting | default (manager · node) | read by | |", "|---|---|---|---|", ...rows].join(
    "\n",
  );
}

function shown(value: unknown): string {
  return value === undefined || value === "" ? "–" : `\`${String(value)}\``;
}

function cell(text = ""): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** The metrics as the services really export them. */
async function metricsTable(): Promise<string> {
  const registry = createRegistry({ kind: "memory", memory: new RegistryMemory() }, () => {});
  const logger = createLogger({ service: "reference", level: "silent" });
  const env = {
    REGISTRY: "memory",
    AUTH_MODE: "none",
    GRPC_PORT: "0",
    OPS_PORT: "0",
    WS_PORT: "0",
    DRAIN_ACCEPT_SECONDS: "0",
    DRAIN_SECONDS: "0",
  };
  const services: Service<PushManagerReady | ConnectNodeReady>[] = [
    createPushManager({
      settings: requireSettings(pushManagerSettings, env, pushManagerChecks),
      registry,
      logger,
    }),
    createConnectNode({
      settings: requireSettings(nodeSettings, env, nodeChecks),
      registry,
      logger,
    }),
  ];
  const rows: string[] = [];
  for (const service of services) {
    const { ports } = await service.start();
    const response = await fetch(`http://127.0.0.1:${ports.ops}/metrics`);
    rows.push(...metricRows(await response.text()));
    await service.stop();
  }
  await registry.close();
  return ["| metric | type | |", "|---|---|---|", ...rows].join("\n");
}

/** Rows for our own metrics in a page of Prometheus' text format. */
function metricRows(page: string): string[] {
  const rows: string[] = [];
  for (const [, name = "", help = ""] of page.matchAll(
    /^# HELP ((?:connect_node|push_manager)_\S+) (.*)$/gm,
  )) {
    const type = new RegExp(`^# TYPE ${name} (\\w+)$`, "m").exec(page)?.[1] ?? "";
    const series = new RegExp(`^${name}(?:_bucket)?\\{([^}]*)\\}`, "m").exec(page)?.[1] ?? "";
    const names = [...series.matchAll(/(\w+)="/g)].map((match) => match[1]);
    const labels = names.filter((label) => label !== "le").join(",");
    rows.push(`| \`${name}${labels && `{${labels}}`}\` | ${type} | ${cell(help)} |`);
  }
  return rows;
}

function replaceSection(page: string, name: string, table: string): string {
  const section = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
  if (!section.test(page)) throw new Error(`docs/operations.md has no section ${name}`);
  return page.replace(section, (_, start: string, end: string) => `${start}${table}\n${end}`);
}

const before = await readFile(PAGE, "utf8");
let after = replaceSection(before, "settings", settingsTable());
after = replaceSection(after, "metrics", await metricsTable());
if (!process.argv.includes("--check")) {
  await writeFile(PAGE, after);
} else if (after !== before) {
  process.stderr.write("docs/operations.md is not current: run `npm run generate`\n");
  process.exitCode = 1;
}
