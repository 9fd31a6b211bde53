import { labelSelector } from "./kube-object.ts";

/** On everything of the system, also its pods and volumes, whoever applied it. */
const SYSTEM_LABELS = { "app.kubernetes.io/part-of": "pushcast" };

/** On what this tool applied: it deletes nothing else, but for volumes when it is told to. */
export const INVENTORY_LABELS = {
  ...SYSTEM_LABELS,
  "app.kubernetes.io/managed-by": "pushcast-deploy",
};

/** On the pods of one workload. */
export function workloadLabels(name: "connect-node" | "push-manager"): Record<string, string> {
  return { ...SYSTEM_LABELS, "app.kubernetes.io/name": name };
}

export const SYSTEM_SELECTOR = labelSelector(SYSTEM_LABELS);
export const INVENTORY_SELECTOR = labelSelector(INVENTORY_LABELS);
