import { explain } from "./api-error.ts";
import { DeployError, ExitCode } from "./deploy-error.ts";
import { diagnose } from "./diagnosis.ts";
import { checkEndpoints } from "./endpoints.ts";
import { KINDS } from "./kinds.ts";
import { isPassing, type KubeApi } from "./kube-api.ts";
import { titleOf } from "./kube-object.ts";
import { SYSTEM_SELECTOR } from "./labels.ts";
import { listObjects } from "./objects.ts";
import { checkRegisteredNodes } from "./registered-nodes.ts";
import { rolloutOf, type Workload } from "./rollout.ts";
import { healthy, type StatusLine, unhealthy } from "./status-line.ts";
import { pollPause, type WaitOptions } from "./wait.ts";

/**
 * What runs of the system in a namespace, whoever applied it.
 * @throws DeployError if nothing does
 */
export async function readStatus(api: KubeApi, namespace: string): Promise<StatusLine[]> {
  try {
    const workloads = await checkWorkloads(api, namespace);
    const endpoints = await checkEndpoints(api, namespace);
    return [...workloads, ...endpoints, await checkRegisteredNodes(api, namespace)];
  } catch (error) {
    throw explain(`the status of namespace ${namespace}`, error);
  }
}

/**
 * Waits until all is well: endpoints and registrations follow a rollout with a small delay.
 * @returns what was seen last
 * @throws DeployError
 */
export async function waitForHealth(
  api: KubeApi,
  namespace: string,
  { clock, timeoutMs }: Pick<WaitOptions, "clock" | "timeoutMs">,
): Promise<StatusLine[]> {
  const startedMs = clock.monotonicMs();
  for (;;) {
    const isOver = clock.monotonicMs() - startedMs >= timeoutMs;
    try {
      const lines = await readStatus(api, namespace);
      if (isOver || lines.every(({ isHealthy }) => isHealthy)) return lines;
    } catch (error) {
      if (isOver || !isPassing(error)) throw error;
    }
    await pollPause(clock);
  }
}

async function checkWorkloads(api: KubeApi, namespace: string): Promise<StatusLine[]> {
  const lines: StatusLine[] = [];
  for (const kind of KINDS.filter(({ apiVersion }) => apiVersion === "apps/v1")) {
    for (const object of await listObjects(api, kind, namespace, SYSTEM_SELECTOR)) {
      const workload = object as unknown as Workload;
      const { state, text } = rolloutOf(workload);
      lines.push(
        state === "done"
          ? healthy(titleOf(object), text)
          : unhealthy(titleOf(object), text, await diagnose(api, workload)),
      );
    }
  }
  if (lines.length > 0) return lines;
  throw new DeployError(ExitCode.STALLED, `namespace ${namespace} has no workloads of Pushcast`);
}
