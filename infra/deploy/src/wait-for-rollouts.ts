import type { V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import { DeployError, ExitCode } from "./deploy-error.ts";
import { diagnose } from "./diagnosis.ts";
import { isPassing, type KubeApi } from "./kube-api.ts";
import type { KubeObject } from "./kube-object.ts";
import { type Look, RolloutWatch } from "./rollout-watch.ts";
import { pollPause, seconds, type WaitOptions } from "./wait.ts";

export interface RolloutOptions extends WaitOptions {
  /** How long a pod may be in trouble that looks lasting: an image that is not there, crashes. */
  readonly patienceMs: number;
}

/**
 * Waits until all Deployments and StatefulSets among some objects are rolled out.
 * @throws DeployError if one stalls, or the time is over, naming the pods and why
 */
export async function waitForRollouts(
  api: KubeApi,
  objects: readonly KubeObject[],
  { clock, timeoutMs, patienceMs, report }: RolloutOptions,
): Promise<void> {
  const startedMs = clock.monotonicMs();
  const workloads = objects.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
  const pending = new Set(
    workloads.map((workload) => {
      return new RolloutWatch(api, workload, fewestPods(workload, objects), patienceMs);
    }),
  );
  const lines = new Map<string, string>();
  const reportChange = (title: string, text: string) => {
    if (lines.get(title) !== text) report(`${title}: ${text}`);
    lines.set(title, text);
  };

  while (pending.size > 0) {
    const elapsedMs = clock.monotonicMs() - startedMs;
    const isOver = elapsedMs >= timeoutMs;
    try {
      for (const watch of pending) {
        const look = await watch.look(clock.monotonicMs());
        if (look.state === "stalled") {
          throw await failure(api, watch, look, "the rollout has stalled");
        }
        if (look.state === "waiting" && isOver) {
          throw await failure(api, watch, look, `not rolled out within ${seconds(timeoutMs)}`);
        }
        const after = look.state === "done" ? `, after ${seconds(elapsedMs)}` : "";
        reportChange(watch.title, `${look.text}${after}`);
        if (look.state === "done") pending.delete(watch);
      }
    } catch (error) {
      // It may come back: also an API server is upgraded now and then.
      if (!isPassing(error) || isOver) throw error;
      reportChange("waiting", error.message);
    }
    if (pending.size > 0) await pollPause(clock);
  }
}

/** A Deployment with an autoscaler begins with one pod, or with those that it had. */
function fewestPods({ kind, metadata }: KubeObject, objects: readonly KubeObject[]): number {
  const autoscalers = objects
    .filter((object) => object.kind === "HorizontalPodAutoscaler")
    .map((object) => (object as unknown as V2HorizontalPodAutoscaler).spec);
  const own = autoscalers.find((spec) => {
    return spec?.scaleTargetRef.kind === kind && spec.scaleTargetRef.name === metadata.name;
  });
  return own?.minReplicas ?? 0;
}

async function failure(
  api: KubeApi,
  { title }: RolloutWatch,
  { text, workload }: Look,
  what: string,
): Promise<DeployError> {
  const details = await diagnose(api, workload);
  return new DeployError(ExitCode.STALLED, `${title}: ${what}: ${text}`, { details });
}
