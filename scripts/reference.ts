// Writes the tables of settings and metrics in docs/operations.md from the code. With --check it
// changes nothing and fails if they are not current.
import { readFile, writeFile } from "node:fs/promises";
import { createConnectNode, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { createPushManager, pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import {
  createLogger,
  requireSettings,
  type Setting,
  type SettingsSchema,
} from "@pushcast/runtime";
import { Registry } from "prom-client";

const PAGE = new URL("../docs/operations.md", import.meta.url);

function settingsTable(): string {
  const manager: SettingsSchema = pushManagerSettings;
  const node: SettingsSchema = nodeSettings;
  const rows = Object.keys({ ...manager, ...node }).flatMap((name) => {
    const [ofManager, ofNode] = [manager[name], node[name]];
    if (ofManager !== undefined && ofManager === ofNode) return settingRow(name, "both", ofNode);
    return [settingRow(name, "manager", ofManager), settingRow(name, "node", ofNode)].flat();
  });
  return ["| setting | default | read by | |", "|---|---|---|---|", ...rows].join("\n");
}

function settingRow(name: string, readBy: string, setting: Setting<unknown> | undefined): string[] {
  if (setting === undefined) return [];
  const text = `${cell(setting.doc)} Takes ${cell(setting.accepts)}.`;
  return [`| \`${name}\` | ${shown(setting.default)} | ${readBy} | ${text} |`];
}

function shown(value: unknown): string {
  return value === undefined || value === "" ? "–" : `\`${String(value)}\``;
}

function cell(text = ""): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** The metrics that both services register as they are made. */
function metricsTable(): string {
  const logger = createLogger({ service: "reference", level: "silent" });
  const env = { REGISTRY: "memory", AUTH_MODE: "none" };
  const metrics = new Registry();
  createPushManager({
    settings: requireSettings(pushManagerSettings, env, pushManagerChecks),
    logger,
    metrics,
  });
  createConnectNode({ settings: requireSettings(nodeSettings, env, nodeChecks), logger, metrics });
  const rows = metrics.getMetricsAsArray().map((metric) => {
    const { name, help, type, labelNames } = metric as typeof metric & { labelNames: string[] };
    const labels = labelNames.length === 0 ? "" : `{${labelNames.join(",")}}`;
    return `| \`${name}${labels}\` | ${type} | ${cell(help)} |`;
  });
  return ["| metric | type | |", "|---|---|---|", ...rows].join("\n");
}

function replaceSection(page: string, name: string, table: string): string {
  const section = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
  if (!section.test(page)) throw new Error(`docs/operations.md has no section ${name}`);
  return page.replace(section, (_, start: string, end: string) => `${start}${table}\n${end}`);
}

const before = await readFile(PAGE, "utf8");
let after = replaceSection(before, "settings", settingsTable());
after = replaceSection(after, "metrics", metricsTable());
if (!process.argv.includes("--check")) {
  await writeFile(PAGE, after);
} else if (after !== before) {
  process.stderr.write("docs/operations.md is not current: run `npm run generate`\n");
  process.exitCode = 1;
}
