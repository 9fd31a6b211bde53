import type { V1Pod } from "@kubernetes/client-node";
import { explain } from "./api-error.ts";
import type { KubeApi } from "./kube-api.ts";
import { type KubeObject, objectPath, titleOf } from "./kube-object.ts";
import { describeTrouble, type PodTrouble, troubleOf } from "./pod-trouble.ts";
import { isSeen, type Rollout, rolloutOf, type Workload } from "./rollout.ts";
import { isReady, rolloutPods } from "./workload-pods.ts";

/** A workload as a look at it finds it. */
export interface Look extends Rollout {
  readonly workload: Workload;
}

interface TroubledPod {
  readonly name: string;
  readonly trouble: PodTrouble;
}

/** Follows one workload from look to look. */
export class RolloutWatch {
  readonly title: string;
  readonly #api: KubeApi;
  readonly #path: string;
  readonly #fewest: number;
  readonly #patienceMs: number;
  /** When each pod that is not ready was first seen in lasting trouble. */
  #troubledSinceMs = new Map<string, number>();

  /**
   * @param fewest the pods that an autoscaler will give it at least; 0 where there is none
   * @param patienceMs how long a pod may be in trouble that looks lasting
   */
  constructor(api: KubeApi, workload: KubeObject, fewest: number, patienceMs: number) {
    this.title = titleOf(workload);
    this.#api = api;
    this.#path = objectPath(workload);
    this.#fewest = fewest;
    this.#patienceMs = patienceMs;
  }

  /**
   * Looks at the workload, and at its pods while it is not ready.
   * @throws DeployError
   */
  async look(nowMs: number): Promise<Look> {
    try {
      const workload = await this.#api.json<Workload>("GET", this.#path);
      const rollout = rolloutOf(workload, this.#fewest);
      if (rollout.state !== "waiting" || !isSeen(workload)) return { ...rollout, workload };
      const { pods } = await rolloutPods(this.#api, workload);
      return { ...this.#judge(rollout, pods, nowMs), workload };
    } catch (error) {
      throw explain(this.title, error);
    }
  }

  #judge({ text }: Rollout, pods: readonly V1Pod[], nowMs: number): Rollout {
    const troubled = troubledPods(pods);
    this.#remember(pods, troubled, nowMs);
    const worst = troubled.find((pod) => this.#isLost(pod, nowMs)) ?? troubled[0];
    if (worst === undefined) return { state: "waiting", text };
    return {
      state: this.#isLost(worst, nowMs) ? "stalled" : "waiting",
      text: `${text}; pod ${worst.name}: ${describeTrouble(worst.trouble)}`,
    };
  }

  /** A container that crashes again and again runs in between, so only readiness ends the count. */
  #remember(pods: readonly V1Pod[], troubled: readonly TroubledPod[], nowMs: number): void {
    const since = new Map<string, number>();
    for (const pod of pods.filter((pod) => !isReady(pod))) {
      const name = pod.metadata?.name ?? "";
      const isLasting = troubled.some((other) => other.name === name && other.trouble.isLasting);
      const sinceMs = this.#troubledSinceMs.get(name) ?? (isLasting ? nowMs : undefined);
      if (sinceMs !== undefined) since.set(name, sinceMs);
    }
    this.#troubledSinceMs = since;
  }

  #isLost({ name, trouble }: TroubledPod, nowMs: number): boolean {
    const sinceMs = this.#troubledSinceMs.get(name) ?? nowMs;
    return trouble.isLasting && nowMs - sinceMs >= this.#patienceMs;
  }
}

function troubledPods(pods: readonly V1Pod[]): TroubledPod[] {
  return pods.flatMap((pod) => {
    const trouble = isReady(pod) ? undefined : troubleOf(pod);
    return trouble === undefined ? [] : [{ name: pod.metadata?.name ?? "", trouble }];
  });
}
