import type { AlertGroup } from "./alert.ts";

/** A group of alerts, in a file of rules and in a PrometheusRule alike. */
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly AlertingRule[];
}

export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleOptions {
  /** A label of every alert, also where a sum has lost it. */
  readonly namespace: string;
  /** Where `docs/runbook.md` is to be read; each alert refers to its section there. */
  readonly runbookUrl: string;
}

/** The alerts as Prometheus takes them. */
export function ruleGroups(groups: readonly AlertGroup[], options: RuleOptions): RuleGroup[] {
  const { namespace, runbookUrl } = options;
  return groups.map(({ name: groupName, alerts }) => ({
    name: groupName,
    rules: alerts.map(({ name, severity, expr, summary, description, for: lasting }) => ({
      alert: name,
      expr,
      for: lasting,
      labels: { severity, namespace },
      annotations: {
        summary,
        description,
        runbook_url: `${runbookUrl}#${name.toLowerCase()}`,
      },
    })),
  }));
}
