// Writes the tables in the docs that say what the code says: settings, metrics, alerts, errors, what the
// manifests take and ask for, licences, the help of commands. With --check it changes nothing and fails if they are not current.
import { readFile, writeFile } from "node:fs/promises";
import { notRunTable } from "../test/docs/not-run-table.ts";
import { drainTable, sizesTable } from "./kubernetes-tables.ts";
import { alertsTable, panelsTable } from "./reference/alerts.ts";
import {
  commandExitCodesTable,
  commandsReference,
  environmentTable,
} from "./reference/command-line.ts";
import { exitCodesTable, rpcErrorsTable } from "./reference/errors.ts";
import { licencesInProduction } from "./reference/licences.ts";
import { optionsTable } from "./reference/manifest-options.ts";
import { metricsTable } from "./reference/metrics.ts";
import { settingsTable } from "./reference/settings.ts";

/** Each page, with the tables of its sections. */
const PAGES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  "docs/reference.md": {
    settings: settingsTable,
    metrics: metricsTable,
    alerts: alertsTable,
    panels: panelsTable,
    "rpc-errors": rpcErrorsTable,
    "exit-codes": exitCodesTable,
  },
  "docs/cli.md": {
    environment: environmentTable,
    "exit-codes": commandExitCodesTable,
    commands: commandsReference,
  },
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

function replaceSection(page: string, name: string, table: string): string {
  const section = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
  if (!section.test(page)) throw new Error(`there is no section ${name}`);
  return page.replace(section, (_, start: string, end: string) => `${start}${table}\n${end}`);
}
