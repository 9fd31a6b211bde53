import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ChaosCluster } from "../chaos/cluster.ts";
import { ChaosPublisher } from "../chaos/publisher.ts";
import { Child } from "../support/child.ts";
import { pick, seededRandom } from "../support/random.ts";
import type { ChurnReport, ChurnRequest } from "./churn-types.ts";
import { INSPECTED } from "./inspector.ts";
import { ProcessWatch } from "./process-watch.ts";
import { type Row, soakRows } from "./soak-table.ts";

export interface SoakPlan {
  readonly minutes: number;
  /** Each has one client after another. */
  readonly users: number;
  /** A client is in two of them and the busy one, to which half of the pushes go. */
  readonly rooms: number;
  /** Pushes a second. */
  readonly rate: number;
  /** Of content of a push. */
  readonly bytes: number;
  /** How long a client stays, on average. */
  readonly staysSeconds: number;
  /** Of what the clients do. */
  readonly seed: number;
}

export interface SoakResult {
  readonly rows: readonly Row[];
  readonly report: ChurnReport;
  readonly pushes: number;
  readonly commands: number;
  /** Nodes that were drained and replaced. */
  readonly drains: number;
  /** What a machine that is busy otherwise had no time for, in words. */
  readonly undone: readonly string[];
}

const NODES = 3;
const MANAGERS = 2;
const LOUNGES = 10;
/** Who is in it and reads nothing lags before long. */
const BUSY_ROOM = "busy-room";
const SAMPLE_EVERY_MS = 10_000;
const HAND_PUSHES_EVERY_MS = 5_000;
const COMMAND_EVERY_MS = 2_000;
/** Nodes that are drained and replaced within the run. */
const DRAINS = 8;
const SETTLE_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 250;

/** A cluster with its load, for as long as the plan says. */
export async function soak(plan: SoakPlan): Promise<SoakResult> {
  const lastsSeconds = plan.minutes * 60;
  // What is kept for a time is full, and stays so, from within the first quarter on.
  const logSeconds = Math.max(5, Math.min(60, lastsSeconds / 12));
  const cluster = await ChaosCluster.start({
    nodes: NODES,
    managers: MANAGERS,
    logSeconds,
    lagSeconds: 30,
    settings: { ...INSPECTED, IDEMPOTENCY_SECONDS: 2 * logSeconds },
    nodeSettings: {
      REGISTRATION_TTL_S: 10,
      REATTACH_SECONDS: 5,
      WARM_SECONDS: 5,
      DRAIN_SECONDS: 5,
      SESSION_BUFFER_BYTES: 4096,
    },
  });
  const churn = new Child<ChurnRequest, ChurnReport | "done">(
    new URL("./churn-process.ts", import.meta.url),
  );
  try {
    return await new SoakRun(plan, cluster, churn).run();
  } finally {
    await churn.close();
    await cluster.close();
  }
}

class SoakRun {
  readonly #plan: SoakPlan;
  readonly #cluster: ChaosCluster;
  readonly #churn: Child<ChurnRequest, ChurnReport | "done">;
  readonly #random: () => number;
  readonly #users: readonly string[];
  readonly #rooms: readonly string[];
  /** Rooms into which only managers put users. */
  readonly #lounges = names("lounge", LOUNGES);
  readonly #publisher: ChaosPublisher;
  #watches: readonly ProcessWatch[] = [];
  /** How many pushes had begun at a time (Unix), until all of those have been handed to the churn. */
  #marks: { readonly atMs: number; readonly begun: number }[] = [];
  #allKnownBeforeMs = 0;
  #handed = 0;
  #commands = 0;
  #drains = 0;
  readonly #undone: string[] = [];

  constructor(
    plan: SoakPlan,
    cluster: ChaosCluster,
    churn: Child<ChurnRequest, ChurnReport | "done">,
  ) {
    this.#plan = plan;
    this.#cluster = cluster;
    this.#churn = churn;
    this.#random = seededRandom(plan.seed);
    this.#users = names("user", plan.users);
    this.#rooms = names("room", plan.rooms);
    this.#publisher = new ChaosPublisher(
      randomUUID(),
      () => cluster.managers.map(({ pushes }) => pushes),
      {
        perSecond: plan.rate,
        rooms: [...this.#rooms, ...this.#rooms.map(() => BUSY_ROOM)],
        users: this.#users,
        everyBroadcast: 100,
        contentBytes: plan.bytes,
        retryWithinMs: (cluster.logSeconds * 1000) / 2,
      },
    );
    cluster.watcher = {
      urlsChanged: async (urls) => {
        await churn.ask({ type: "urls", urls });
      },
      managerEnded: (epoch) => this.#publisher.managerEnded(epoch),
    };
  }

  async run(): Promise<SoakResult> {
    try {
      return await this.#run();
    } finally {
      this.#publisher.abandon();
      for (const watch of this.#watches) watch.close();
    }
  }

  async #run(): Promise<SoakResult> {
    const { managers, nodes, urls } = this.#cluster;
    this.#watches = await Promise.all([
      ...managers.map((manager, index) => ProcessWatch.of(`manager ${index + 1}`, manager)),
      // The last one is replaced again and again.
      ...nodes.slice(0, -1).map((node, index) => ProcessWatch.of(`node ${index + 1}`, node)),
    ]);
    await this.#churn.ask({
      type: "begin",
      plan: {
        users: this.#users,
        rooms: [...this.#rooms, BUSY_ROOM],
        urls,
        staysMs: this.#plan.staysSeconds * 1000,
        seed: this.#plan.seed,
        lateMs: this.#cluster.logSeconds * 1000,
      },
    });
    const lastsMs = this.#plan.minutes * 60_000;
    const fromMs = performance.now();
    const toMs = fromMs + lastsMs;
    await Promise.all([
      this.#every(SAMPLE_EVERY_MS, fromMs, toMs, () => this.#sample()),
      this.#every(HAND_PUSHES_EVERY_MS, fromMs, toMs, () => this.#handPushes()),
      this.#every(COMMAND_EVERY_MS, fromMs, toMs, () => this.#command()),
      this.#every(lastsMs / (DRAINS + 1), fromMs, toMs, () => this.#drain()),
    ]);
    return {
      report: await this.#settle(),
      rows: soakRows(this.#watches, fromMs, toMs),
      pushes: this.#publisher.begun,
      commands: this.#commands,
      drains: this.#drains,
      undone: this.#undone,
    };
  }

  async #every(ms: number, fromMs: number, toMs: number, work: () => Promise<void>): Promise<void> {
    for (let next = fromMs + ms; next < toMs; next = Math.max(next + ms, performance.now())) {
      await sleep(Math.max(0, next - performance.now()));
      try {
        await work();
      } catch (error) {
        const seconds = Math.round((performance.now() - fromMs) / 1000);
        this.#undone.push(`after ${seconds} s: ${error}`);
      }
    }
  }

  async #sample(): Promise<void> {
    // One after another: looking into a process stops it for a moment.
    for (const watch of this.#watches) await watch.sample();
  }

  async #handPushes(): Promise<void> {
    this.#marks.push({ atMs: Date.now(), begun: this.#publisher.begun });
    const pushes = this.#publisher.answeredFrom(this.#handed);
    this.#handed += pushes.length;
    const known = this.#marks.filter(({ begun }) => begun <= this.#handed);
    this.#marks = this.#marks.filter(({ begun }) => begun > this.#handed);
    this.#allKnownBeforeMs = known.at(-1)?.atMs ?? this.#allKnownBeforeMs;
    await this.#churn.ask({ type: "pushes", pushes, beforeMs: this.#allKnownBeforeMs });
  }

  async #command(): Promise<void> {
    const { client } = pick(this.#cluster.managers, this.#random);
    const userId = pick(this.#users, this.#random);
    const lounge = pick(this.#lounges, this.#random);
    this.#commands += 1;
    if (this.#commands % 5 === 0) await client.disconnectUser(userId);
    else if (this.#commands % 2 === 0) await client.joinRoom(userId, lounge);
    else await client.leaveRoom(userId, lounge);
  }

  async #drain(): Promise<void> {
    await this.#cluster.replaceNode(this.#cluster.node(NODES - 1));
    this.#drains += 1;
  }

  /** What comes late is waited for; what is missing after a while is lost. */
  async #settle(): Promise<ChurnReport> {
    await this.#churn.ask({ type: "calm" });
    await this.#publisher.pause();
    await this.#handPushes();
    const givesUpAtMs = performance.now() + SETTLE_WITHIN_MS;
    for (;;) {
      const report = await this.#churn.ask({ type: "report" });
      if (report === "done") throw new Error("the churn gave no report");
      if (report.counts.lost === 0 || performance.now() > givesUpAtMs) return report;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

function names(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${kind}-${n}`);
}
