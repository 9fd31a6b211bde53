import { ApiObject } from "cdk8s";
import type { Construct } from "constructs";
import { type WorkloadName, workloadLabels } from "../lib/labels.ts";
import type { Port } from "../lib/ports.ts";

/** What is used here of the Prometheus operator's `monitoring.coreos.com/v1` ServiceMonitor. */
export interface ServiceMonitorSpec {
  /** The label of the Service whose value becomes the label `job` of every series. */
  readonly jobLabel: string;
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly endpoints: readonly {
    /** The name of a Service's port. A Service without it is passed over. */
    readonly port: string;
    readonly path: string;
    readonly interval: string;
  }[];
}

export interface ServiceMonitorProps {
  readonly workload: WorkloadName;
  readonly port: Port;
  /** How often each pod is asked for its metrics. */
  readonly scrapeSeconds: number;
  /** By which a Prometheus finds the object. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Has a Prometheus scrape every pod of a workload; its series have the workload's name as `job`. */
export function addServiceMonitor(scope: Construct, props: ServiceMonitorProps): void {
  const { workload, port, scrapeSeconds, labels } = props;
  const spec: ServiceMonitorSpec = {
    jobLabel: "app.kubernetes.io/name",
    selector: { matchLabels: workloadLabels(workload) },
    endpoints: [{ port: port.name, path: "/metrics", interval: `${scrapeSeconds}s` }],
  };
  new ApiObject(scope, `service-monitor-${workload}`, {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { name: workload, labels: { ...workloadLabels(workload), ...labels } },
    spec,
  });
}
