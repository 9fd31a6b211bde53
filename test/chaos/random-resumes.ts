import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "../support/child.ts";
import { pick, seededRandom } from "../support/random.ts";
import { ChaosCluster, type ClusterPlan } from "./cluster.ts";
import { ChaosPublisher } from "./publisher.ts";
import type { ResumersReply, ResumersReport, ResumersRequest } from "./resume-types.ts";

export interface RandomResumesPlan {
  /** Resumes that are to be answered at least. */
  readonly resumes: number;
  /** Of the sizes of the logs, the faults, and what the clients do. */
  readonly seed: number;
}

export interface RandomResumesOutcome extends ResumersReport {
  /** Resumes that were answered, `recovered: true` or `false`. */
  readonly resumes: number;
  readonly pushes: number;
  /** How often each fault happened. */
  readonly faultCounts: Readonly<Record<string, number>>;
}

const CLIENTS = 60;
const ROOMS = 4;
/** Those that the clients are in. Nobody may get anything of the others. */
const JOINED_ROOMS = 2;
/** Shares no factor with the number of rooms, so that all of them get their part. */
const EVERY_BROADCAST = 7;
const NODES = 3;
const MANAGERS = 2;
const PUSHES_PER_SECOND = 100;
/** So short that epochs of managers that have gone are forgotten within a run. */
const LOG_SECONDS = 8;
/** Longer than a log, and shorter than nodes know a manager that has gone. */
const GOES_BACK_SECONDS = 1.25 * LOG_SECONDS;
/** Room for some dozens of publications, up to some thousands. */
const LEAST_LOG_BYTES = 40_000;
const MOST_LOG_BYTES = 2_000_000;
const SETTLE_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 250;

type Fault = (
  cluster: ChaosCluster,
  publisher: ChaosPublisher,
  random: () => number,
) => Promise<unknown>;

const FAULTS: Readonly<Record<string, Fault>> = {
  "node killed": (cluster, _, random) => cluster.killNode(pick(cluster.nodes, random)),
  "node drained": (cluster, _, random) => cluster.replaceNode(pick(cluster.nodes, random)),
  "node cut off": async (cluster, publisher, random) => {
    const { proxy } = pick(cluster.nodes, random);
    await proxy.suspend();
    // A manager with a small log no longer has what the node lacks afterwards.
    await publisher.more(Math.ceil(3 * random() * PUSHES_PER_SECOND));
    await proxy.resume();
  },
  "links broken": async (cluster, _, random) => pick(cluster.nodes, random).proxy.cut(),
  "manager killed": (cluster, _, random) => cluster.killManagers([pick(cluster.managers, random)]),
  "manager restarted": (cluster, _, random) =>
    cluster.replaceManager(pick(cluster.managers, random)),
};

/**
 * Clients that resume again and again, on the same connection and on others, from where they are and
 * from where they once were, in the middle of replays and before answers, while pushes go on, nodes
 * and managers are killed and replaced, and every process has another, small, log. Ends when each
 * fault has happened and so many resumes are answered, with a judgement of every answer: after
 * `recovered: true` nothing may be missing in silence, come twice or come out of order.
 */
export async function randomResumes(plan: RandomResumesPlan): Promise<RandomResumesOutcome> {
  const random = seededRandom(plan.seed);
  const clients = new Child<ResumersRequest, ResumersReply>(
    new URL("./resumers-process.ts", import.meta.url),
  );
  let cluster: ChaosCluster | undefined;
  try {
    cluster = await ChaosCluster.start(clusterPlan(random));
    return await play(plan, cluster, clients, random);
  } finally {
    await clients.close();
    await cluster?.close();
  }
}

async function play(
  plan: RandomResumesPlan,
  cluster: ChaosCluster,
  clients: Child<ResumersRequest, ResumersReply>,
  random: () => number,
): Promise<RandomResumesOutcome> {
  const rooms = Array.from({ length: ROOMS }, (_, n) => `room-${n}`);
  const users = Array.from({ length: CLIENTS }, (_, n) => `user-${n}`);
  const publisher = new ChaosPublisher(
    randomUUID(),
    () => cluster.managers.map(({ pushes }) => pushes),
    {
      perSecond: PUSHES_PER_SECOND,
      rooms,
      users,
      everyBroadcast: EVERY_BROADCAST,
      retryWithinMs: LOG_SECONDS * 1000,
    },
  );
  cluster.watcher = {
    urlsChanged: async (urls) => {
      await clients.ask({ type: "urls", urls });
    },
    managerEnded: (epoch) => publisher.managerEnded(epoch),
  };
  const answered = async () => Number(await clients.ask({ type: "count" }));
  try {
    const joined = rooms.slice(0, JOINED_ROOMS);
    await clients.ask({
      type: "begin",
      plan: {
        users,
        rooms: joined,
        urls: cluster.urls,
        seed: plan.seed,
        goesBackMs: GOES_BACK_SECONDS * 1000,
      },
    });
    const faultCounts: Record<string, number> = {};
    const hasAll = () => Object.keys(FAULTS).every((fault) => faultCounts[fault] !== undefined);
    for (const fault of faults(random)) {
      await publisher.more(Math.ceil(random() * PUSHES_PER_SECOND));
      if (hasAll() && (await answered()) >= plan.resumes) break;
      faultCounts[fault] = (faultCounts[fault] ?? 0) + 1;
      await FAULTS[fault]?.(cluster, publisher, random);
    }
    await clients.ask({ type: "calm" });
    const resumes = await answered();
    const pushes = await publisher.pause();
    const report = await settled(async () => {
      return (await clients.ask({ type: "judge", pushes })) as ResumersReport;
    });
    return { ...report, resumes, pushes: pushes.length, faultCounts };
  } finally {
    publisher.abandon();
  }
}

/** Every fault comes before any comes again. */
function* faults(random: () => number): Generator<string, never> {
  for (;;) {
    const deck = Object.keys(FAULTS);
    while (deck.length > 0) {
      const fault = pick(deck, random);
      deck.splice(deck.indexOf(fault), 1);
      yield fault;
    }
  }
}

function clusterPlan(random: () => number): ClusterPlan {
  const logBytes = () =>
    Math.round(LEAST_LOG_BYTES * (MOST_LOG_BYTES / LEAST_LOG_BYTES) ** random());
  return {
    nodes: NODES,
    managers: MANAGERS,
    logSeconds: LOG_SECONDS,
    lagSeconds: 2,
    settings: { LOG_BYTES: logBytes() },
    nodeSettings: { REATTACH_SECONDS: 1, WARM_SECONDS: 3, DRAIN_SECONDS: 1 },
    ownNodeSettings: () => ({ LOG_BYTES: logBytes() }),
  };
}

/** What comes late is waited for; what is missing after a while is lost. */
async function settled(judge: () => Promise<ResumersReport>): Promise<ResumersReport> {
  const givesUpAtMs = performance.now() + SETTLE_WITHIN_MS;
  for (;;) {
    const report = await judge();
    if (report.counts.lost === 0 || performance.now() > givesUpAtMs) return report;
    await sleep(LOOK_EVERY_MS);
  }
}
