import type { V1Pod } from "@kubernetes/client-node";
import type { KubeApi } from "../kube-api.ts";
import { workloadLabels } from "../labels.ts";
import { samplesOf } from "../metrics-text.ts";
import { opsPortOf } from "../pod-metrics.ts";
import { isReady, listPods } from "../workload-pods.ts";

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const TIMEOUT_MS = 3_000;

/** A connect-node's pod, as far as its deletion cost goes. */
export interface NodePod {
  readonly name: string;
  /** What its annotation says; 0, which is also Kubernetes' default, where there is none of use. */
  readonly cost: number;
  /** Where its metrics are. */
  readonly metricsUrl: string;
}

/**
 * The pods that serve clients. Those that are not ready are deleted first anyway.
 * @throws ApiError, or DeployError if there is no answer
 */
export async function listNodePods(api: KubeApi, namespace: string): Promise<NodePod[]> {
  const pods = await listPods(api, namespace, workloadLabels("connect-node"));
  return pods.filter(isReady).map((pod) => ({
    name: pod.metadata?.name ?? "",
    cost: readCost(pod),
    metricsUrl: `http://${hostOf(pod)}:${opsPortOf(pod)}/metrics`,
  }));
}

/**
 * How many sessions a pod has now.
 * @throws Error if it does not say so in time
 */
export async function readSessions({ name, metricsUrl }: NodePod): Promise<number> {
  const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const [sample] = samplesOf(await response.text(), "connect_node_sessions");
  if (sample === undefined) throw new Error(`the metrics of pod ${name} do not have its sessions`);
  return sample.value;
}

/**
 * Writes a pod's deletion cost.
 * @throws ApiError, or DeployError if there is no answer
 */
export async function writeCost(
  api: KubeApi,
  namespace: string,
  { name }: NodePod,
  cost: number,
): Promise<void> {
  await api.request("PATCH", `/api/v1/namespaces/${namespace}/pods/${name}`, {
    contentType: "application/merge-patch+json",
    body: { metadata: { annotations: { [DELETION_COST]: String(cost) } } },
  });
}

function readCost({ metadata }: V1Pod): number {
  const text = metadata?.annotations?.[DELETION_COST] ?? "";
  return /^\d{1,2}$/.test(text) ? Number(text) : 0;
}

function hostOf({ status }: V1Pod): string {
  const ip = status?.podIP ?? "";
  return ip.includes(":") ? `[${ip}]` : ip;
}
