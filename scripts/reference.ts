// Writes the tables in the docs that say what the code says: settings, metrics, what the manifests take and
// ask for, licences, the help of commands. With --check it changes nothing and fails if they are not current.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { configOptions, PROFILES } from "@pushcast/cdk8s";
import { commands, EXIT_CODES, EXIT_MEANINGS, optionName, usage } from "@pushcast/cli";
import { createConnectNode, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { createPushManager, pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import {
  createLogger,
  requireSettings,
  type Setting,
  type SettingsSchema,
} from "@pushcast/runtime";
import { Registry } from "prom-client";
import { notRunTable } from "../test/docs/not-run-table.ts";
import { drainTable, sizesTable } from "./kubernetes-tables.ts";
import { licencesTable } from "./supply-chain/licences.ts";
import { packagesBelow, readLockFile, workspaces } from "./supply-chain/lock-file.ts";

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

/** The options of the manifests, with what each profile says of them instead of the default. */
function optionsTable(): string {
  const profiles = Object.entries(PROFILES);
  const rows = configOptions().map((option) => {
    const path = option.path.join(".");
    const ofProfiles = profiles.map(([, profile]) => {
      const said = option.path.reduce<unknown>(
        (value, key) => (value as Record<string, unknown> | undefined)?.[key],
        profile,
      );
      return said === undefined ? "" : json(said);
    });
    const cells = [`\`${path}\``, json(option.default), ...ofProfiles, cell(option.description)];
    return `| ${cells.join(" | ")} |`;
  });
  const head = ["option", "default", ...profiles.map(([name]) => `in ${name}`), ""];
  return [`| ${head.join(" | ")} |`, `|${"---|".repeat(head.length)}`, ...rows].join("\n");
}

function json(value: unknown): string {
  return value === undefined ? "–" : `\`${cell(JSON.stringify(value))}\``;
}

/** What all workspaces use, but to be built and tested. */
function licencesInProduction(): string {
  const lock = readLockFile(fileURLToPath(new URL("../package-lock.json", import.meta.url)));
  return licencesTable(packagesBelow(lock, workspaces(lock)).values());
}

/** What each command prints as its help. */
function commandsReference(): string {
  return commands
    .map((command) => `### pushcast ${command.name}\n\n\`\`\`text\n${usage(command)}\`\`\``)
    .join("\n\n");
}

function exitCodesTable(): string {
  const rows = Object.entries(EXIT_CODES).map(
    ([name, code]) => `| ${code} | ${EXIT_MEANINGS[name as keyof typeof EXIT_CODES]} |`,
  );
  return ["| exit code | |", "|--:|---|", ...rows].join("\n");
}

/** The variables that stand for options, and for which. */
function environmentTable(): string {
  const options = commands.flatMap((command) => Object.entries(command.options));
  const texts = new Map(
    options.flatMap(([key, { env, doc }]) =>
      env === undefined ? [] : [[env, `| \`${env}\` | \`${optionName(key)}\` | ${cell(doc)} |`]],
    ),
  );
  return ["| variable | option | |", "|---|---|---|", ...texts.values()].join("\n");
}

function replaceSection(page: string, name: string, table: string): string {
  const section = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
  if (!section.test(page)) throw new Error(`there is no section ${name}`);
  return page.replace(section, (_, start: string, end: string) => `${start}${table}\n${end}`);
}

/** Each page, with the tables of its sections. */
const PAGES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  "docs/cli.md": {
    environment: environmentTable,
    "exit-codes": exitCodesTable,
    commands: commandsReference,
  },
  "docs/operations.md": { settings: settingsTable, metrics: metricsTable },
  "docs/kubernetes.md": { sizes: sizesTable, drain: drainTable },
  "docs/testing.md": { "not-run": notRunTable },
  "docs/licences.md": { licences: licencesInProduction },
  "infra/cdk8s/README.md": { options: optionsTable },
};

for (const [path, tables] of Object.entries(PAGES)) {
  const page = new URL(`../${path}`, import.meta.url);
  const before = await readFile(page, "utf8");
  let after = before;
  for (const [name, table] of Object.entries(tables)) after = replaceSection(after, name, table());
  if (!process.argv.includes("--check")) {
    await writeFile(page, after);
  } else if (after !== before) {
    process.stderr.write(`${path} is not current: run \`npm run generate\`\n`);
    process.exitCode = 1;
  }
}
