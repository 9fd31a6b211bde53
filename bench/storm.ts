import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "../test/support/child.ts";
import type { RunningNode } from "../test/support/processes.ts";
import { until } from "../test/support/until.ts";
import { type Percentiles, percentiles, settled, sum } from "./measure.ts";
import type {
  ClientsReport,
  PublisherReport,
  ResumingReply,
  ResumingReport,
  ResumingRequest,
} from "./messages.ts";
import { ROOMS_OF_RESUMING, type StormPlan } from "./scenarios.ts";
import { StormPushes } from "./storm-pushes.ts";
import { type System, withSystem } from "./system.ts";

const LAG_SECONDS = 5;
const RSS_EVERY_MS = 50;
const NS_PER_MS = 1e6;

/** A part of the run: what the live clients and the node say of it. */
export interface Phase {
  readonly seconds: number;
  /** Of the live clients' messages that were sent in it. */
  readonly latencyMs: Percentiles;
  /** The latest that the node's event loop was, by its own metric. */
  readonly loopDelayMs: number;
  /** Shares of one core. */
  readonly nodeCpu: number;
  /** Of the busiest process of clients that resume; near 1 it is the generator that is measured. */
  readonly resumingCpu: number;
}

export interface StormResult {
  readonly plan: StormPlan;
  readonly before: Phase;
  /** From the moment in which all come back until the last has had all that it missed. */
  readonly storm: Phase;
  readonly after: Phase;
  /** After how long a client was back and had what it missed. */
  readonly backMs: Percentiles;
  /** What they missed, together. */
  readonly missed: number;
  readonly live: Pick<ResumingReport, "losses" | "repeats"> & {
    readonly outOfOrder: number;
    readonly refusedPushes: number;
  };
  readonly resuming: ResumingReport;
  readonly nodeRssBytes: { readonly before: number; readonly peak: number };
  /** Of the machine over one minute, before the system was started. */
  readonly loadBefore: number;
}

type Resuming = readonly Child<ResumingRequest, ResumingReply>[];

/** Clients that are cut at once and resume at once, while others get messages all along. */
export async function measureStorm(plan: StormPlan): Promise<StormResult> {
  const [loadBefore = Number.NaN] = loadavg();
  const resuming: Resuming = Array.from(
    { length: plan.resumingProcesses },
    () => new Child(new URL("./resuming-clients.ts", import.meta.url)),
  );
  try {
    const settings = { LAG_SECONDS, HANDSHAKE_BURST: plan.burst };
    const use = (system: System) => run(plan, system, resuming);
    return { ...(await withSystem(plan, use, settings)), loadBefore };
  } finally {
    await Promise.all(resuming.map((child) => child.close()));
  }
}

/** Whether nothing was lost, repeated, disordered or refused, and everything recovered. */
export function isStormFaultless({ live, resuming }: StormResult): boolean {
  const { losses, repeats, notRecovered, gaps } = resuming;
  return sum([...Object.values(live), losses, repeats, notRecovered, gaps]) === 0;
}

async function run(
  plan: StormPlan,
  { manager, nodes, publisher, clients, roomIds, roomOf }: System,
  resuming: Resuming,
): Promise<Omit<StormResult, "loadBefore">> {
  const [node] = nodes;
  if (node === undefined) throw new Error("a node is needed");
  const { missed, seconds, rate, contentBytes } = plan;
  const phase = (act: () => Promise<unknown>) => timed(node, resuming, act);
  const quiet = () => phase(() => sleep(seconds * 1_000));
  const pushes = new StormPushes(manager.grpcAddress, plan);
  try {
    // Nothing is recovered from a log that is younger than that and the time away.
    await sleep(LAG_SECONDS * 1_000);
    await open(plan, node, resuming, pushes.roomIds);
    const pushing = { address: manager.grpcAddress, roomIds, rate, contentBytes };
    await publisher.ask({ type: "push", ...pushing, seconds: plan.warmUpSeconds, isWarmUp: true });
    await publisher.ask({ type: "push", ...pushing, isWarmUp: false });
    const before = await quiet();

    await askAll(resuming, { type: "cut" });
    await until("all of them are gone", async () => (await sessionsOf(node)) === plan.live);
    await pushes.pushMissed();
    const rssBefore = node.process.rssBytes;
    let peakRss = rssBefore;
    const watch = setInterval(() => {
      peakRss = Math.max(peakRss, node.process.rssBytes);
    }, RSS_EVERY_MS);
    const meanwhile = pushes.keepPushing();
    let back: ResumingReply[] = [];
    const storm = await phase(async () => {
      back = await askAll(resuming, { type: "resume", pushed: missed });
    });
    clearInterval(watch);
    pushes.stop();
    await meanwhile;
    const after = await quiet();

    const pushed = (await publisher.ask({ type: "stop" })) as PublisherReport;
    const expected = roomOf.map((room) => pushed.accepted[room] ?? 0);
    await settled(clients, sum(expected));
    const got = (await clients.ask({ type: "report" })) as ClientsReport;
    if (node.process.unexpectedEnd !== undefined) throw new Error(node.process.unexpectedEnd);
    const reports = await askAll(resuming, { type: "report", pushed: pushes.pushed });
    return {
      plan,
      before: withLatency(before, got),
      storm: withLatency(storm, got),
      after: withLatency(after, got),
      backMs: percentiles(Float64Array.from(back.flatMap((reply) => [...(reply as Float64Array)]))),
      missed: plan.resuming * (ROOMS_OF_RESUMING + 1) * missed,
      live: {
        losses: sum(expected.map((count, n) => Math.max(0, count - (got.distinct[n] ?? 0)))),
        repeats: got.repeats,
        outOfOrder: got.outOfOrder,
        refusedPushes: pushed.refused,
      },
      resuming: total(reports as ResumingReport[]),
      nodeRssBytes: { before: rssBefore, peak: peakRss },
    };
  } finally {
    pushes.close();
  }
}

async function open(
  plan: StormPlan,
  { wsUrl }: RunningNode,
  resuming: Resuming,
  roomIds: readonly string[],
): Promise<void> {
  const opened = resuming.map((child, index) => {
    const mine = Array.from({ length: plan.resuming }, (_, n) => n).filter(
      (n) => n % resuming.length === index,
    );
    const clients = mine.map((n) => ({
      url: wsUrl,
      userId: `resuming-${n}`,
      roomIds: Array.from(
        { length: ROOMS_OF_RESUMING },
        (_, room) => roomIds[(n * ROOMS_OF_RESUMING + room) % roomIds.length] ?? "",
      ),
    }));
    return child.ask({ type: "open", clients });
  });
  await Promise.all(opened);
}

function askAll(resuming: Resuming, request: ResumingRequest): Promise<ResumingReply[]> {
  return Promise.all(resuming.map((child) => child.ask(request)));
}

async function sessionsOf(node: RunningNode): Promise<number> {
  return (await node.metrics()).value("connect_node_sessions");
}

interface TimedPhase extends Omit<Phase, "latencyMs" | "seconds"> {
  /** By the machine's monotonic clock. */
  readonly fromMs: number;
  readonly toMs: number;
}

async function timed(
  node: RunningNode,
  resuming: Resuming,
  act: () => Promise<unknown>,
): Promise<TimedPhase> {
  await node.metrics(); // the delay is the longest since it was last read
  const nodeBefore = node.process.cpuSeconds;
  const resumingBefore = resuming.map((child) => child.cpuSeconds);
  const fromMs = nowMs();
  await act();
  const toMs = nowMs();
  const seconds = (toMs - fromMs) / 1_000;
  const nodeCpu = (node.process.cpuSeconds - nodeBefore) / seconds;
  const resumingSeconds = resuming.map((child, n) => child.cpuSeconds - (resumingBefore[n] ?? 0));
  const delaySeconds = (await node.metrics()).value("nodejs_eventloop_lag_max_seconds");
  return {
    fromMs,
    toMs,
    nodeCpu,
    resumingCpu: Math.max(...resumingSeconds) / seconds,
    loopDelayMs: delaySeconds * 1_000,
  };
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS;
}

function withLatency({ fromMs, toMs, ...phase }: TimedPhase, got: ClientsReport): Phase {
  const isInIt = (_: number, n: number) => {
    const sentAtMs = got.sentAtMs[n] ?? Number.NaN;
    return sentAtMs >= fromMs && sentAtMs < toMs;
  };
  const latencyMs = percentiles(got.latenciesMs.filter(isInIt));
  return { ...phase, seconds: (toMs - fromMs) / 1_000, latencyMs };
}

function total(reports: readonly ResumingReport[]): ResumingReport {
  const of = (field: keyof ResumingReport) => sum(reports.map((report) => report[field]));
  return {
    recovered: of("recovered"),
    notRecovered: of("notRecovered"),
    losses: of("losses"),
    repeats: of("repeats"),
    gaps: of("gaps"),
    refusals: of("refusals"),
    lostConnections: of("lostConnections"),
  };
}
