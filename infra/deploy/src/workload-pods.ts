import type {
  V1Deployment,
  V1Pod,
  V1PodList,
  V1ReplicaSet,
  V1ReplicaSetList,
} from "@kubernetes/client-node";
import type { KubeApi } from "./kube-api.ts";
import { labelSelector } from "./kube-object.ts";
import type { Workload } from "./rollout.ts";

const REVISION = "deployment.kubernetes.io/revision";

/** What a workload's rollout is judged by. */
export interface RolloutPods {
  readonly pods: readonly V1Pod[];
  /** Of a Deployment, once it is there. */
  readonly replicaSet: V1ReplicaSet | undefined;
}

/**
 * The pods of a Deployment's newest ReplicaSet; of a StatefulSet all, because it also waits for the
 * old ones.
 * @throws ApiError
 */
export async function rolloutPods(api: KubeApi, workload: Workload): Promise<RolloutPods> {
  const namespace = workload.metadata?.namespace ?? "";
  const selector = workload.spec?.selector.matchLabels ?? {};
  if (workload.kind === "StatefulSet") {
    return { pods: await listPods(api, namespace, selector), replicaSet: undefined };
  }
  const replicaSet = await newestReplicaSet(api, workload as V1Deployment);
  const newest = replicaSet?.spec?.selector.matchLabels;
  return { pods: newest ? await listPods(api, namespace, newest) : [], replicaSet };
}

/**
 * The pods that have these labels, without those that end.
 * @throws ApiError
 */
export async function listPods(
  api: KubeApi,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<V1Pod[]> {
  const { items } = await api.json<V1PodList>("GET", `/api/v1/namespaces/${namespace}/pods`, {
    query: { labelSelector: labelSelector(labels) },
  });
  return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
}

export function isReady({ status }: V1Pod): boolean {
  return (
    status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false
  );
}

async function newestReplicaSet(
  api: KubeApi,
  { metadata, spec }: V1Deployment,
): Promise<V1ReplicaSet | undefined> {
  const path = `/apis/apps/v1/namespaces/${metadata?.namespace}/replicasets`;
  const { items } = await api.json<V1ReplicaSetList>("GET", path, {
    query: { labelSelector: labelSelector(spec?.selector.matchLabels ?? {}) },
  });
  return items.find(
    (set) =>
      set.metadata?.ownerReferences?.some(({ uid }) => uid === metadata?.uid) &&
      set.metadata.annotations?.[REVISION] === metadata?.annotations?.[REVISION],
  );
}
