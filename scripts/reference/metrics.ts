import { createConnectNode, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { createPushManager, pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import { createLogger, requireSettings } from "@pushcast/runtime";
import { Registry } from "prom-client";
import { cell, table } from "./markdown-table.ts";

/** The metrics that both services register as they are made. */
export function metricsTable(): string {
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
    return [`\`${name}${labels}\``, String(type), cell(help)];
  });
  return table(["metric", "type", ""], rows);
}
