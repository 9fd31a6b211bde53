import type { V1Pod } from "@kubernetes/client-node";
import type { KubeApi } from "./kube-api.ts";

const OPS_PORT_NAME = "ops";
const DEFAULT_OPS_PORT = 9100;
const TIMEOUT_MS = 5_000;

/**
 * What a pod answers `/metrics` with, through the API server: it works from anywhere, but where a
 * NetworkPolicy keeps the API server from the pod.
 * @throws ApiError, or DeployError if there is no answer in time
 */
export async function readPodMetrics(api: KubeApi, pod: V1Pod): Promise<string> {
  const { namespace, name } = pod.metadata ?? {};
  const path = `/api/v1/namespaces/${namespace}/pods/${name}:${opsPortOf(pod)}/proxy/metrics`;
  const { text } = await api.request("GET", path, { timeoutMs: TIMEOUT_MS });
  return text;
}

/** The port of health and metrics. */
export function opsPortOf({ spec }: V1Pod): number {
  const ports = spec?.containers.flatMap((container) => container.ports ?? []);
  return ports?.find(({ name }) => name === OPS_PORT_NAME)?.containerPort ?? DEFAULT_OPS_PORT;
}
