import { Wait } from "@pushcast/api";
import type { PublicationPlace } from "@pushcast/log";
import { RpcError } from "@pushcast/runtime";
import { ANYBODY } from "../../services/push-manager/src/access/push-access.ts";
import type { Push } from "../../services/push-manager/src/push.ts";
import type { Cluster } from "./cluster.ts";
import type { Manager } from "./manager.ts";

/** What a biz-server wants pushed. */
export interface PushWish {
  readonly room?: string | undefined;
  readonly users?: readonly string[] | undefined;
  readonly excluded?: readonly string[] | undefined;
  readonly ephemeral?: boolean | undefined;
  /** It is retried, with an idempotency key. */
  readonly retried?: boolean | undefined;
}

interface Attempt {
  readonly manager: Manager;
  /** Undefined while there is no answer; an error is no acceptance. */
  answer?: { readonly id: string; readonly failures: number } | "refused";
}

/** One push with all its attempts, and what became of it. */
export class Pushed {
  readonly content: string;
  readonly wish: PushWish;
  readonly calledAtMs: number;
  readonly attempts: Attempt[] = [];

  constructor(content: string, wish: PushWish, calledAtMs: number) {
    this.content = content;
    this.wish = wish;
    this.calledAtMs = calledAtMs;
  }

  /**
   * Whether it must reach everybody: every node had it when it was answered, or the manager that
   * accepted it still lives, and brings it to the nodes that failed.
   */
  get isPromised(): boolean {
    if (this.wish.ephemeral === true) return false;
    return this.attempts.some(
      ({ manager, answer }) =>
        typeof answer === "object" && (answer.failures === 0 || manager.isAlive),
    );
  }

  /** Where it was accepted, if no node drops it: neither as ephemeral nor for its key. */
  get keptPlaces(): PublicationPlace[] {
    if (this.wish.ephemeral === true || this.wish.retried === true) return [];
    return this.attempts.flatMap(({ answer }) =>
      typeof answer === "object" ? [placeOf(answer.id)] : [],
    );
  }

  isFor(user: string, room: string | undefined): boolean {
    const { users = [], excluded = [] } = this.wish;
    if (this.wish.room !== room || excluded.includes(user)) return false;
    return users.length === 0 || users.includes(user);
  }

  describe(): string {
    const attempts = this.attempts.map(({ manager, answer }) => {
      const said = typeof answer === "object" ? `${answer.id} failures ${answer.failures}` : answer;
      return `${said ?? "no answer"} (${manager.epoch} ${manager.isAlive ? "alive" : "dead"})`;
    });
    return `${this.content} called at ${this.calledAtMs}: ${attempts.join(", ")}`;
  }
}

const ANSWER_MS = 1_500;
const RETRY_MS = 700;
const MAX_TRIES = 12;
const TIMEOUT_MS = 1_000;

/** A biz-server that pushes, and retries by the rule of docs/delivery.md. */
export class BizServer {
  readonly pushed: Pushed[] = [];
  readonly byContent = new Map<string, Pushed>();
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Of all pushes. */
  get keptPlaces(): PublicationPlace[] {
    return this.pushed.flatMap(({ keptPlaces }) => keptPlaces);
  }

  push(manager: Manager, wish: PushWish): Pushed {
    const content = `push ${this.pushed.length + 1}`;
    const pushed = new Pushed(content, wish, this.#cluster.nowMs);
    this.pushed.push(pushed);
    this.byContent.set(content, pushed);
    this.#try(pushed, manager, MAX_TRIES);
    return pushed;
  }

  #try(pushed: Pushed, manager: Manager, triesLeft: number): void {
    const { clock } = this.#cluster.loop;
    const attempt: Attempt = { manager };
    pushed.attempts.push(attempt);
    let isOver = false;
    const timer = clock.setTimeout(() => {
      isOver = true;
      this.#retryLater(pushed, triesLeft - 1);
    }, ANSWER_MS);
    manager.publisher.push(toPush(pushed), ANYBODY, TIMEOUT_MS, (answer) => {
      if (isOver || !manager.isAlive) return;
      clock.clearTimeout(timer);
      attempt.answer =
        answer instanceof RpcError
          ? "refused"
          : { id: answer.messageId, failures: answer.report.failures.length };
      if (attempt.answer === "refused" || attempt.answer.failures > 0) {
        this.#retryLater(pushed, triesLeft - 1);
      }
    });
  }

  /** Through a manager that has not accepted it: another would say the same again. */
  #retryLater(pushed: Pushed, triesLeft: number): void {
    if (pushed.wish.retried !== true || triesLeft === 0) return;
    this.#cluster.loop.clock.setTimeout(() => {
      const others = this.#cluster.managers.filter(
        (manager) =>
          !pushed.attempts.some(
            (attempt) => attempt.manager === manager && attempt.answer !== "refused",
          ),
      );
      const other = this.#cluster.pick(others);
      if (other === undefined) this.#retryLater(pushed, triesLeft - 1);
      else this.#try(pushed, other, triesLeft);
    }, RETRY_MS);
  }
}

function placeOf(id: string): PublicationPlace {
  const [epoch = "", seq] = id.split("-");
  return { epoch, seq: Number(seq) };
}

function toPush({ content, wish }: Pushed): Push {
  const { room = "", users = [], excluded = [], ephemeral = false, retried = false } = wish;
  return {
    api: users.length > 0 ? "PushToUser" : room === "" ? "BroadcastMessage" : "PushToRoom",
    roomId: room,
    userIds: users,
    excludeUserIds: excluded,
    content: Buffer.from(content),
    contentType: "",
    idempotencyKey: retried ? content : "",
    ephemeral,
    wait: Wait.WAIT_NODES,
  };
}
