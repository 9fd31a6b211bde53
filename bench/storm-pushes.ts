import { setTimeout as sleep } from "node:timers/promises";
import { BroadcastMessageRequest, PushToRoomRequest, type StreamPush } from "@pushcast/api";
import { ManagerClient } from "../test/support/manager-client.ts";
import { numberedContent, SELF } from "../test/support/resuming-client.ts";
import type { StormPlan } from "./scenarios.ts";

const PUSHES_A_MESSAGE = 50;

/** Pushes to the rooms of those who resume, and to all, in order and numbered for each. */
export class StormPushes {
  readonly roomIds: readonly string[];
  /** For each room, and "" for all, how many there were. */
  readonly pushed = new Map<string, number>();
  readonly #manager: ManagerClient;
  readonly #plan: StormPlan;
  #isStopping = false;

  constructor(managerAddress: string, plan: StormPlan) {
    this.#manager = new ManagerClient(managerAddress);
    this.#plan = plan;
    this.roomIds = Array.from({ length: plan.resumingRooms }, (_, n) => `resuming-${n}`);
  }

  /** What all of them miss: to each room, and to all, as many. */
  async pushMissed(): Promise<void> {
    const pushes: StreamPush[] = [];
    for (let n = 0; n < this.#plan.missed; n += 1) {
      for (const id of [...this.roomIds, SELF]) {
        const content = this.#next(id);
        const push: StreamPush["push"] =
          id === SELF
            ? { $case: "broadcastMessage", value: BroadcastMessageRequest.fromPartial({ content }) }
            : {
                $case: "pushToRoom",
                value: PushToRoomRequest.fromPartial({ roomId: id, content }),
              };
        pushes.push({ requestId: `${n} ${id}`, push });
      }
    }
    const results = await this.#manager.pushStream(pushes, PUSHES_A_MESSAGE);
    const refused = results.find(({ code }) => code !== 0);
    if (refused !== undefined) throw new Error(refused.error);
  }

  /** Pushes to one room after another, until `stop`. */
  async keepPushing(): Promise<void> {
    for (let n = 0; !this.#isStopping; n += 1) {
      const roomId = this.roomIds[n % this.roomIds.length] ?? "";
      const paced = sleep(1_000 / this.#plan.resumingRate);
      await this.#manager.pushToRoom({ roomId, content: this.#next(roomId) });
      await paced;
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  close(): void {
    this.#manager.close();
  }

  #next(id: string): Buffer {
    const n = this.pushed.get(id) ?? 0;
    this.pushed.set(id, n + 1);
    return numberedContent(n, this.#plan.contentBytes);
  }
}
