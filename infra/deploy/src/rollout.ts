import type { V1Deployment, V1StatefulSet } from "@kubernetes/client-node";

/** A Deployment or StatefulSet as the API server has it. */
export type Workload = V1Deployment | V1StatefulSet;

/** How far a rollout is. */
export interface Rollout {
  readonly state: "waiting" | "done" | "stalled";
  /** For a person: `2 of 3 ready`. */
  readonly text: string;
}

/** Whether the status is about what was applied last, or still about what was there before. */
export function isSeen({ metadata, status }: Workload): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
}

/**
 * What a workload's status says of its rollout.
 * @param fewest the pods that an autoscaler will give it at least. @default those that it has now
 */
export function rolloutOf(workload: Workload, fewest = 0): Rollout {
  if (!isSeen(workload)) return { state: "waiting", text: "not yet seen by its controller" };
  return workload.kind === "StatefulSet"
    ? statefulSetRollout(workload as V1StatefulSet)
    : deploymentRollout(workload as V1Deployment, fewest);
}

function deploymentRollout({ spec, status }: V1Deployment, fewest: number): Rollout {
  const wanted = Math.max(spec?.replicas ?? 1, fewest);
  const updated = status?.updatedReplicas ?? 0;
  const all = status?.replicas ?? 0;
  const available = status?.availableReplicas ?? 0;
  const text = `${available} of ${wanted} ready`;
  const progress = status?.conditions?.find(({ type }) => type === "Progressing");
  if (progress?.reason === "ProgressDeadlineExceeded") {
    return { state: "stalled", text: `${text}; ${progress.message ?? progress.reason}` };
  }
  if (updated < wanted) return { state: "waiting", text: `${text}, ${updated} updated` };
  if (all > updated) return { state: "waiting", text: `${text}, ${all - updated} old to end` };
  return { state: available < updated ? "waiting" : "done", text };
}

function statefulSetRollout({ spec, status }: V1StatefulSet): Rollout {
  const wanted = spec?.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  const text = `${ready} of ${wanted} ready`;
  if (ready < wanted) return { state: "waiting", text };
  const updated = status?.updatedReplicas ?? 0;
  const isUpdated = status?.updateRevision === status?.currentRevision || updated >= wanted;
  return isUpdated
    ? { state: "done", text }
    : { state: "waiting", text: `${text}, ${updated} updated` };
}
