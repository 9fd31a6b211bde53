import type { V1Pod } from "@kubernetes/client-node";
import { ApiError } from "./api-error.ts";
import type { DeployError } from "./deploy-error.ts";
import { isPassing, isUnreachable, type KubeApi } from "./kube-api.ts";
import { workloadLabels } from "./labels.ts";
import { samplesOf } from "./metrics-text.ts";
import { readPodMetrics } from "./pod-metrics.ts";
import { healthy, type StatusLine, unhealthy } from "./status-line.ts";
import { isReady, listPods } from "./workload-pods.ts";

const TITLE = "nodes";

/**
 * Whether the connect-nodes are registered, and the push-managers know them.
 *
 * A node is ready only after it has registered, so its pod's readiness tells that much. What the
 * managers say of the nodes that they know is worth more: it is read from their metrics through the
 * API server, and where a NetworkPolicy or a missing right is in the way, readiness has to do.
 * @throws ApiError
 */
export async function checkRegisteredNodes(api: KubeApi, namespace: string): Promise<StatusLine> {
  const nodes = await listPods(api, namespace, workloadLabels("connect-node"));
  const managers = await listPods(api, namespace, workloadLabels("push-manager"));
  const ready = nodes.filter(isReady).length;
  if (ready === 0) return unhealthy(TITLE, "no connect-node is ready, so none is known to serve");
  try {
    return await askManagers(api, managers.filter(isReady), ready);
  } catch (error) {
    if (!(error instanceof ApiError) && !isUnreachable(error)) throw error;
    return healthy(
      TITLE,
      `${ready} of ${nodes.length} ready, and so registered (the managers' metrics cannot be read: ${whyUnread(error)})`,
    );
  }
}

async function askManagers(
  api: KubeApi,
  managers: readonly V1Pod[],
  readyNodes: number,
): Promise<StatusLine> {
  if (managers.length === 0) return unhealthy(TITLE, "no push-manager is ready to know them");
  const lacking: string[] = [];
  for (const manager of managers) {
    const known = samplesOf(await readPodMetrics(api, manager), "push_manager_nodes")
      .filter(({ labels }) => labels.state === "ready")
      .reduce((sum, { value }) => sum + value, 0);
    if (known < readyNodes)
      lacking.push(`${manager.metadata?.name} knows ${known} of ${readyNodes}`);
  }
  return lacking.length === 0
    ? healthy(TITLE, `${readyNodes} registered, as every push-manager says`)
    : unhealthy(TITLE, "not all are known to every push-manager", lacking);
}

/** Where a NetworkPolicy keeps it out, the API server gives no answer, or tells of its vain try. */
function whyUnread(error: ApiError | DeployError): string {
  const reason = error instanceof ApiError ? error.message : "no answer";
  return isPassing(error) ? `${reason}; network.metrics may keep the API server out` : reason;
}
