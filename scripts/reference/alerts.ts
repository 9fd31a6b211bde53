import { alertGroups, dashboardRows, selectorsIn } from "@pushcast/cdk8s";
import { cell, table } from "./markdown-table.ts";

/** Their expressions depend on the installation, what is said of them here does not. */
const SCOPE = {
  selectors: selectorsIn("pushcast"),
  connectNodes: 3,
  pushManagers: 2,
  etcdMembers: 3,
  graceSeconds: 100,
};

/** Every alert, with its section in the runbook. */
export function alertsTable(): string {
  const alerts = alertGroups(SCOPE).flatMap((group) => group.alerts);
  const rows = alerts.map(({ name, severity, description, for: lasting }) => [
    `[${name}](runbook.md#${name.toLowerCase()})`,
    severity,
    lasting,
    cell(description),
  ]);
  return table(["alert", "severity", "after", "meaning"], rows);
}

/** Grafana's, which Prometheus does not know. */
const RATE_WINDOW = "[$__rate_interval]";

/** The dashboard's panels, for who has no Grafana. */
export function panelsTable(): string {
  const rows = dashboardRows(SCOPE.selectors).flatMap(({ panels }) =>
    panels.map(({ title, queries }) => [
      title,
      queries.map(({ expr }) => `\`${cell(expr.replaceAll(RATE_WINDOW, "[5m]"))}\``).join("<br>"),
    ]),
  );
  return table(["panel", "PromQL"], rows);
}
