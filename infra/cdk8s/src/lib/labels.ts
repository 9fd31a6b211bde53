/** The workloads, by the name that their objects, pods and containers have. */
export type WorkloadName = "etcd" | "push-manager" | "connect-node" | "deletion-cost";

/** What every object of the system has, and nothing else in the cluster. */
export const SYSTEM_LABELS = { "app.kubernetes.io/part-of": "pushcast" } as const;

/**
 * What a workload's pods and Services have, and their selectors ask for. Selectors are immutable:
 * a change here needs the workloads deleted first.
 */
export function workloadLabels(name: WorkloadName): Record<string, string> {
  return { "app.kubernetes.io/name": name, ...SYSTEM_LABELS };
}
