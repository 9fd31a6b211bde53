import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";

/** Why a pod is not ready, as its status says it. */
export interface PodTrouble {
  /** `CrashLoopBackOff`, `ImagePullBackOff`, `Unschedulable` and others. */
  readonly reason: string;
  readonly message: string;
  /** Undefined where it is about the whole pod. */
  readonly container?: string;
  /** The last line that stands in its status of what the container wrote, if there is one. */
  readonly lastWords?: string;
  /** It will not pass by itself, as a pod that waits for a machine may. */
  readonly isLasting: boolean;
}

/** Reasons for which the kubelet tries again and again, usually in vain. */
const LASTING_REASONS = new Set([
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "RunContainerError",
]);

/** What keeps a pod from being ready; undefined if it is, or just takes its time. */
export function troubleOf({ status }: V1Pod): PodTrouble | undefined {
  const containers = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ];
  for (const container of containers) {
    const trouble = containerTrouble(container);
    if (trouble !== undefined) return trouble;
  }
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status !== "False") return undefined;
  const { reason = "Unschedulable", message = "" } = scheduled;
  return { reason, message, isLasting: false };
}

function containerTrouble(status: V1ContainerStatus): PodTrouble | undefined {
  const { name: container, state, lastState, restartCount } = status;
  const { reason = "", message = "" } = state?.waiting ?? {};
  if (!LASTING_REASONS.has(reason)) return undefined;
  const ended = lastState?.terminated;
  if (ended === undefined) return { reason, message, container, isLasting: true };
  // Where the policy is FallbackToLogsOnError, the message is the end of the log, many lines long.
  const words = ended.message?.trim().split("\n").at(-1);
  return {
    reason,
    message: `ended ${restartCount} times, at last with exit code ${ended.exitCode}`,
    container,
    ...(words && { lastWords: words }),
    isLasting: true,
  };
}

/** `container app: ImagePullBackOff: Back-off pulling image "x"` */
export function describeTrouble({ container, reason, message }: PodTrouble): string {
  const where = container === undefined ? "" : `container ${container}: `;
  return `${where}${reason}${message === "" ? "" : `: ${message}`}`;
}
