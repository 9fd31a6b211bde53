import { setTimeout as sleep } from "node:timers/promises";
import { BroadcastMessageRequest, PushToRoomRequest, PushToUserRequest } from "@pushcast/api";
import type { KnownPush, PublicationPlace } from "@pushcast/log";
import type { Pushed } from "../support/manager-client.ts";
import { until } from "../support/until.ts";
import type { OnePush, PushStreams } from "./push-streams.ts";

const RETRY_AFTER_MS = 100;
const MORE_WITHIN_MS = 120_000;
/** One of so many pushes goes to a user. */
const EVERY_USER_PUSH = 20;

export interface PublisherPlan {
  readonly perSecond: number;
  readonly rooms: readonly string[];
  readonly users: readonly string[];
  /** One of so many pushes is a broadcast. */
  readonly everyBroadcast: number;
  /**
   * What was answered longer ago is not retried: nodes know a key as long as they have its publication,
   * and would deliver it anew.
   */
  readonly retryWithinMs: number;
  /** Length of each push's content. @default that of the push's number */
  readonly contentBytes?: number;
}

interface Target {
  readonly roomId: string;
  readonly userIds: readonly string[];
}

/** What the publisher knows of one of its pushes. */
interface Push extends Target {
  readonly push: number;
  readonly publications: PublicationPlace[];
}

/**
 * A biz-server that pushes at a steady rate and keeps to docs/delivery.md: each push has a key of its
 * own, and one without an answer is retried with it, through the next manager. So is one that an
 * answer said to be lacking on a node, once its manager is gone: until then that one brings it there.
 */
export class ChaosPublisher {
  readonly #managers: () => readonly PushStreams[];
  readonly #plan: PublisherPlan;
  readonly #name: string;
  readonly #pushes: Push[] = [];
  readonly #underWay = new Set<Promise<void>>();
  /** Answered with failures, by the epoch of the manager that answered. */
  readonly #incomplete = new Map<string, { readonly push: Push; readonly atMs: number }[]>();
  #running: Promise<void>;
  #isPaused = false;
  #isAbandoned = false;
  #retries = 0;

  /**
   * @param name part of the keys: no other publisher has it
   * @param managers those of now, in an order that stays
   */
  constructor(name: string, managers: () => readonly PushStreams[], plan: PublisherPlan) {
    this.#name = name;
    this.#managers = managers;
    this.#plan = plan;
    this.#running = this.#run();
  }

  /** Resolves when so many more pushes have begun: time passes for the pushes by their number. */
  async more(pushes: number): Promise<void> {
    const count = this.#pushes.length + pushes;
    await until(`${pushes} more pushes`, () => this.#pushes.length >= count, MORE_WITHIN_MS);
  }

  get retries(): number {
    return this.#retries;
  }

  /** How many pushes have begun. */
  get begun(): number {
    return this.#pushes.length;
  }

  /** The pushes from this number on, up to the first that has no answer yet. */
  answeredFrom(first: number): KnownPush[] {
    const pushes = this.#pushes.slice(first);
    const waiting = pushes.findIndex(({ publications }) => publications.length === 0);
    return (waiting < 0 ? pushes : pushes.slice(0, waiting)).map(known);
  }

  /** A manager is gone, and with it the log from which it would have filled its nodes. */
  managerEnded(epoch: string): void {
    const incomplete = this.#incomplete.get(epoch) ?? [];
    this.#incomplete.delete(epoch);
    const sinceMs = performance.now() - this.#plan.retryWithinMs;
    for (const { push, atMs } of incomplete) {
      if (atMs < sinceMs) continue;
      this.#retries += 1;
      this.#start(push, 1);
    }
  }

  /** Pushes no more, and retries nothing. */
  abandon(): void {
    this.#isPaused = true;
    this.#isAbandoned = true;
  }

  /** Pushes no more until `resume`. Resolves with all pushes so far when each has an answer. */
  async pause(): Promise<readonly KnownPush[]> {
    this.#isPaused = true;
    await this.#running;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    return this.#pushes.map(known);
  }

  resume(): void {
    this.#isPaused = false;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const startedAtMs = performance.now();
    const before = this.#pushes.length;
    const everyMs = 1000 / this.#plan.perSecond;
    while (!this.#isPaused) {
      const due = before + Math.ceil((performance.now() - startedAtMs) / everyMs);
      while (this.#pushes.length < due) {
        const push = this.#pushes.length;
        const made = { push, ...this.#target(push), publications: [] };
        this.#pushes.push(made);
        this.#start(made, 0);
      }
      await sleep(Math.max(1, everyMs));
    }
  }

  #target(push: number): Target {
    const { rooms, users, everyBroadcast } = this.#plan;
    if (push % everyBroadcast === 0) return { roomId: "", userIds: [] };
    if (push % EVERY_USER_PUSH === 0)
      return { roomId: "", userIds: [at(users, push / EVERY_USER_PUSH)] };
    return { roomId: at(rooms, push), userIds: [] };
  }

  #start(push: Push, attempt: number): void {
    const work = this.#untilAnswered(push, attempt);
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  async #untilAnswered(push: Push, firstAttempt: number): Promise<void> {
    const request = this.#request(push);
    // A target's pushes go through one manager, as long as that answers: so they have an order.
    const home = push.roomId === "" ? 0 : push.push % this.#plan.rooms.length;
    for (let attempt = firstAttempt; !this.#isAbandoned; attempt += 1) {
      try {
        this.#answered(push, await at(this.#managers(), home + attempt).push(request));
        return;
      } catch {
        this.#retries += 1;
        await sleep(RETRY_AFTER_MS);
      }
    }
  }

  #request({ push, roomId, userIds }: Push): OnePush {
    const content = Buffer.from(String(push).padEnd(this.#plan.contentBytes ?? 0));
    const given = { content, idempotencyKey: `${this.#name}-${push}` };
    const [userId] = userIds;
    if (userId !== undefined) {
      const value = PushToUserRequest.fromPartial({ ...given, userId });
      return { $case: "pushToUser", value };
    }
    if (roomId !== "") {
      return { $case: "pushToRoom", value: PushToRoomRequest.fromPartial({ ...given, roomId }) };
    }
    return { $case: "broadcastMessage", value: BroadcastMessageRequest.fromPartial(given) };
  }

  #answered(push: Push, { messageId, report }: Pushed): void {
    const [epoch = "", seq] = messageId.split("-");
    push.publications.push({ epoch, seq: Number(seq) });
    if (report.failures.length === 0) return;
    const incomplete = this.#incomplete.get(epoch) ?? [];
    incomplete.push({ push, atMs: performance.now() });
    this.#incomplete.set(epoch, incomplete);
  }
}

function known({ push, publications, roomId, userIds }: Push): KnownPush {
  return { push, publications, roomId, userIds, excludeUserIds: [] };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new Error("an empty list");
  return item;
}
