import type { Clock } from "@pushcast/runtime";
import type { KubeApi } from "../kube-api.ts";
import { pause } from "../wait.ts";
import { nextCost } from "./cost.ts";
import { listNodePods, type NodePod, readSessions, writeCost } from "./node-pods.ts";

/** Between two writes: the API server has more important things to do. */
const WRITE_EVERY_MS = 1_000;
/** Pods whose sessions are read at once. */
const READS_AT_ONCE = 20;

export interface ControllerInit {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
  /** From the end of one look at all pods to the next. */
  readonly roundMs: number;
  /** Called after each write. */
  onWrite(pod: NodePod, cost: number): void;
  /** Gets what went wrong with one pod, or with a whole look; the next one tries again. */
  onError(error: unknown): void;
}

interface Change {
  readonly pod: NodePod;
  readonly cost: number;
}

/**
 * Keeps the deletion cost of each connect-node's pod near its sessions, so that a scale-in takes the
 * emptiest. It writes seldom: a cost that follows every session would load the API server more than
 * it is worth.
 */
export class DeletionCostController {
  readonly #init: ControllerInit;

  constructor(init: ControllerInit) {
    this.#init = init;
  }

  /** Looks and writes, until `over` aborts. */
  async run(over: AbortSignal): Promise<void> {
    const { clock, roundMs, onError } = this.#init;
    while (!over.aborted) {
      await this.#round(over).catch(onError);
      await pause(clock, roundMs, over);
    }
  }

  /**
   * Writes as much as there is time for until the next look, those first that are farthest off: the
   * rest is judged anew then.
   */
  async #round(over: AbortSignal): Promise<void> {
    const { api, clock, namespace, roundMs, onWrite, onError } = this.#init;
    const changes = await this.#changes(await listNodePods(api, namespace));
    const most = Math.max(1, Math.floor(roundMs / WRITE_EVERY_MS));
    for (const { pod, cost } of changes.slice(0, most)) {
      // Also before the first: another leader may have written just now.
      await pause(clock, WRITE_EVERY_MS, over);
      if (over.aborted) return;
      try {
        await writeCost(api, namespace, pod, cost);
        onWrite(pod, cost);
      } catch (error) {
        onError(error);
      }
    }
  }

  async #changes(pods: readonly NodePod[]): Promise<Change[]> {
    const changes: Change[] = [];
    const waiting = [...pods];
    const work = async () => {
      for (let pod = waiting.pop(); pod !== undefined; pod = waiting.pop()) {
        const cost = await this.#wantedCost(pod);
        if (cost !== pod.cost) changes.push({ pod, cost });
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, work));
    const distance = ({ pod, cost }: Change) => Math.abs(cost - pod.cost);
    return changes.sort((a, b) => distance(b) - distance(a));
  }

  /** What it has, where its sessions cannot be read. */
  async #wantedCost(pod: NodePod): Promise<number> {
    try {
      return nextCost(pod.cost, await readSessions(pod));
    } catch (error) {
      this.#init.onError(error);
      return pod.cost;
    }
  }
}
