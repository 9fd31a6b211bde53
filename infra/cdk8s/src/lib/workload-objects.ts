import type { Construct } from "constructs";
import { k8s } from "./k8s.ts";
import { type WorkloadName, workloadLabels } from "./labels.ts";
import { type Port, servicePort } from "./ports.ts";

/** An identity of its own for a workload's pods, without any right and without a token. */
export function addServiceAccount(scope: Construct, workload: WorkloadName): void {
  new k8s.KubeServiceAccount(scope, "service-account", {
    metadata: { name: workload, labels: workloadLabels(workload) },
    automountServiceAccountToken: false,
  });
}

export interface ServiceProps {
  readonly workload: WorkloadName;
  /** @default the workload's */
  readonly name?: string;
  readonly ports: readonly Port[];
  /**
   * - `virtual`: one address, and each connection goes to one of the pods that are ready
   * - `headless`: DNS gives the pods that are ready
   * - `headless-all`: DNS gives all pods, also those that start or stop
   * @default virtual
   */
  readonly kind?: "virtual" | "headless" | "headless-all";
  /** Only for a virtual one. @default ClusterIP */
  readonly type?: "ClusterIP" | "NodePort" | "LoadBalancer";
  /** @default none */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Service of a workload's pods, under the pods' labels and ports. */
export function addService(scope: Construct, props: ServiceProps): void {
  const { workload, name = workload, ports, kind = "virtual", type = "ClusterIP" } = props;
  const { annotations = {} } = props;
  new k8s.KubeService(scope, `service-${name}`, {
    metadata: {
      name,
      labels: workloadLabels(workload),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      type,
      ...(kind === "virtual" ? {} : { clusterIp: "None" }),
      ...(kind === "headless-all" ? { publishNotReadyAddresses: true } : {}),
      selector: workloadLabels(workload),
      ports: ports.map(servicePort),
    },
  });
}

/**
 * What a Prometheus scrapes: also pods that stop, of which other Services know nothing any more. It is the
 * only Service of the workload with a port of that name.
 */
export function addMetricsService(scope: Construct, workload: WorkloadName, port: Port): void {
  addService(scope, { workload, name: `${workload}-metrics`, ports: [port], kind: "headless-all" });
}

/**
 * How many of a workload's pods may be evicted at once, such as while machines are replaced.
 * @param maxUnavailable a number, or a share such as `10%`, which is rounded up
 * @param evictUnready whether pods that are not ready may always be evicted
 */
export function addDisruptionBudget(
  scope: Construct,
  workload: WorkloadName,
  { maxUnavailable, evictUnready }: { maxUnavailable: number | string; evictUnready: boolean },
): void {
  new k8s.KubePodDisruptionBudget(scope, "disruption-budget", {
    metadata: { name: workload, labels: workloadLabels(workload) },
    spec: {
      maxUnavailable:
        typeof maxUnavailable === "number"
          ? k8s.IntOrString.fromNumber(maxUnavailable)
          : k8s.IntOrString.fromString(maxUnavailable),
      selector: { matchLabels: workloadLabels(workload) },
      ...(evictUnready ? { unhealthyPodEvictionPolicy: "AlwaysAllow" } : {}),
    },
  });
}
