import type { CoreV1Event, CoreV1EventList, V1Pod } from "@kubernetes/client-node";
import { ApiError } from "./api-error.ts";
import type { KubeApi } from "./kube-api.ts";
import { describeTrouble, type PodTrouble, troubleOf } from "./pod-trouble.ts";
import type { Workload } from "./rollout.ts";
import { isReady, type RolloutPods, rolloutPods } from "./workload-pods.ts";

const MOST_PODS = 5;

/**
 * Why a workload does not become ready: a line for each pod or object that tells something, as far as
 * the API server allows to look.
 * @throws DeployError if there is no answer
 */
export async function diagnose(api: KubeApi, workload: Workload): Promise<string[]> {
  const namespace = workload.metadata?.namespace ?? "";
  const { pods, replicaSet } = await readPods(api, workload);
  const warnings = await readWarnings(api, namespace);
  const waiting = pods.filter((pod) => !isReady(pod));
  const lines: string[] = [];
  for (const pod of waiting.slice(0, MOST_PODS)) {
    const warning = warnings.get(pod.metadata?.uid);
    lines.push(`pod ${pod.metadata?.name}: ${await whyNotReady(api, pod, warning)}`);
  }
  if (waiting.length > MOST_PODS) lines.push(`and ${waiting.length - MOST_PODS} pods more`);
  // Where pods cannot even be made, only their owner knows.
  const ownersWarning = warnings.get(replicaSet?.metadata?.uid ?? workload.metadata?.uid);
  return ownersWarning === undefined ? lines : [...lines, ownersWarning];
}

async function readPods(api: KubeApi, workload: Workload): Promise<RolloutPods> {
  try {
    return await rolloutPods(api, workload);
  } catch (error) {
    return withoutAnswer(error, { pods: [], replicaSet: undefined });
  }
}

async function whyNotReady(api: KubeApi, pod: V1Pod, warning: string | undefined): Promise<string> {
  const trouble = troubleOf(pod);
  if (trouble === undefined || !trouble.isLasting) {
    return warning ?? (trouble && describeTrouble(trouble)) ?? "not ready yet";
  }
  const words = trouble.lastWords ?? (await readLastWords(api, pod, trouble));
  return words === "" ? describeTrouble(trouble) : `${describeTrouble(trouble)}: ${words}`;
}

/** The last line in the log of a container that ended; empty where there is none to read. */
async function readLastWords(
  api: KubeApi,
  { metadata }: V1Pod,
  { reason, container }: PodTrouble,
): Promise<string> {
  if (reason !== "CrashLoopBackOff" || container === undefined) return "";
  const path = `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}/log`;
  const query = { container, previous: "true", tailLines: "1" };
  try {
    return (await api.request("GET", path, { query })).text.trim();
  } catch (error) {
    return withoutAnswer(error, "");
  }
}

/** The newest warning about each object, by its uid. */
async function readWarnings(
  api: KubeApi,
  namespace: string,
): Promise<ReadonlyMap<string | undefined, string>> {
  const path = `/api/v1/namespaces/${namespace}/events`;
  try {
    const { items } = await api.json<CoreV1EventList>("GET", path, {
      query: { fieldSelector: "type=Warning" },
    });
    const oldestFirst = items.toSorted((a, b) => timeOf(a) - timeOf(b));
    return new Map(
      oldestFirst.map(({ involvedObject, reason, message }) => [
        involvedObject.uid,
        `${reason}: ${message}`,
      ]),
    );
  } catch (error) {
    return withoutAnswer(error, new Map());
  }
}

/** New events have another field for it than those that old clients write. */
function timeOf({ lastTimestamp, eventTime }: CoreV1Event): number {
  return Date.parse(String(lastTimestamp ?? eventTime)) || 0;
}

/** What is told besides must not hide what is wrong. */
function withoutAnswer<Value>(error: unknown, value: Value): Value {
  if (error instanceof ApiError) return value;
  throw error;
}
