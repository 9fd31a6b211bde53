import { ApiObject } from "cdk8s";
import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { k8s } from "../lib/k8s.ts";
import { PORTS } from "../lib/ports.ts";
import { nodeEnvironment, nodeGraceSeconds } from "../workloads/connect-node.ts";
import type { AlertGroup } from "./alerts/alert.ts";
import { alertGroups } from "./alerts/alerts.ts";
import { ruleGroups } from "./alerts/prometheus-rules.ts";
import { grafanaDashboard } from "./dashboard/grafana-dashboard.ts";
import { selectorsIn } from "./selectors.ts";
import { addServiceMonitor } from "./service-monitor.ts";

/** For a cluster with the Prometheus operator: what is scraped, when somebody is told, and a dashboard. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const { namespace, monitoring } = config;
    const { labels, scrapeSeconds, runbookUrl } = monitoring;
    addServiceMonitor(this, { workload: "etcd", port: PORTS.etcd.metrics, scrapeSeconds, labels });
    for (const workload of ["push-manager", "connect-node"] as const) {
      const port = PORTS[workload].ops;
      addServiceMonitor(this, { workload, port, scrapeSeconds, labels });
    }
    new ApiObject(this, "alerts", {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name: "pushcast", labels },
      spec: { groups: ruleGroups(alerts(config), { namespace, runbookUrl }) },
    });
    const dashboard = grafanaDashboard(namespace);
    new k8s.KubeConfigMap(this, "dashboard", {
      metadata: {
        name: "pushcast-dashboard",
        labels: monitoring.dashboardLabels,
        annotations: monitoring.dashboardAnnotations,
      },
      data: { [`${dashboard.uid}.json`]: `${JSON.stringify(dashboard, null, 2)}\n` },
    });
  }
}

function alerts(config: Config): AlertGroup[] {
  return alertGroups({
    selectors: selectorsIn(config.namespace),
    connectNodes: config.connectNode.replicas.min,
    pushManagers: config.pushManager.replicas.min,
    etcdMembers: config.etcd.members,
    graceSeconds: nodeGraceSeconds(nodeEnvironment(config).settings),
  });
}
