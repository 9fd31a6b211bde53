import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "../../test/support/child.ts";
import { LOAD_CORES, pin, serverCoreBusySeconds } from "./cores.ts";
import type {
  GeneratorReply,
  GeneratorReport,
  GeneratorRequest,
  PublisherReply,
  PublisherReport,
  PublisherRequest,
} from "./load/messages.ts";
import type { Measurement } from "./measurement.ts";
import type { RunningSystem, System } from "./systems/system.ts";
import { type Usage, usageOf } from "./usage.ts";
import { WARM_UP_RATE, type Workload } from "./workloads.ts";

/** After the last push; what has not come by then is told as undelivered. */
const MAX_SETTLE_MS = 12_000;
/** With no delivery for so long nothing more is waited for. */
const STALLED_MS = 2_000;
const POLL_MS = 25;

type Generator = Child<GeneratorRequest, GeneratorReply>;
type Publisher = Child<PublisherRequest, PublisherReply>;

/** Starts a system with all its clients, measures it, and ends it. */
export async function measure(
  system: System,
  workload: Workload,
  round: number,
): Promise<Measurement> {
  const generator: Generator = new Child(new URL("./load/generator.ts", import.meta.url));
  const publisher: Publisher = new Child(new URL("./load/publisher.ts", import.meta.url));
  let running: RunningSystem | undefined;
  try {
    for (const { pid } of [generator, publisher]) pin(pid, LOAD_CORES);
    running = await system.start();
    return await measureRunning({ system, running, workload, round, generator, publisher });
  } finally {
    await Promise.all([running?.close(), generator.close(), publisher.close()]);
  }
}

async function measureRunning(run: {
  readonly system: System;
  readonly running: RunningSystem;
  readonly workload: Workload;
  readonly round: number;
  readonly generator: Generator;
  readonly publisher: Publisher;
}): Promise<Measurement> {
  const { system, running, workload, round, generator, publisher } = run;
  const { rooms, members, rate, pushes, warmUpPushes } = workload;
  const [loadBefore = Number.NaN] = loadavg();
  const at = new Date().toISOString();
  const roomIds = Array.from({ length: rooms }, (_, n) => `room-${n}`);
  const { dialect, publisherDialect } = system;

  const emptyBytes = usageOf(running.servers).rssBytes;
  const targets = running.clients;
  const sessions = (await generator.ask({
    type: "open",
    targets,
    roomIds,
    members,
    dialect,
  })) as number;
  const idleBytes = usageOf(running.servers).rssBytes;
  const target = running.publisher;
  await publisher.ask({ type: "open", target, roomIds, dialect: publisherDialect });

  const warmUpRate = rate ?? WARM_UP_RATE;
  const warm = await push(publisher, warmUpPushes, warmUpRate);
  await settle(generator, warmUpPushes * members);

  await generator.ask({ type: "begin", from: warm.through });
  const busyBefore = serverCoreBusySeconds();
  const before = usageOfAll(running, generator, publisher);
  const startedMs = performance.now();
  const pushed = await push(publisher, pushes, rate);
  const settledMs = await settle(generator, pushes * members);
  const after = usageOfAll(running, generator, publisher);
  const busySeconds = serverCoreBusySeconds() - busyBefore;
  const tookSeconds = (performance.now() - startedMs) / 1000;
  const report = (await generator.ask({
    type: "report",
    through: pushed.through,
  })) as GeneratorReport;

  const { deliveries, receivedBytes, ...counts } = report;
  const cpuSeconds = (of: keyof typeof after) => after[of].cpuSeconds - before[of].cpuSeconds;
  return {
    system: system.name,
    workload: workload.name,
    round,
    at,
    loadBefore,
    sessions,
    pushes,
    refused: pushed.refused,
    deliveries,
    ...counts,
    pushesPerSecond: pushes / pushed.tookSeconds,
    deliveriesPerSecond: (deliveries / (settledMs - startedMs)) * 1000,
    bytesPerDelivery: receivedBytes / deliveries,
    serverCpuMicrosPerDelivery: (cpuSeconds("servers") * 1e6) / deliveries,
    besideCpuMicrosPerPush:
      running.beside.length === 0 ? undefined : (cpuSeconds("beside") * 1e6) / pushes,
    serverCpu: cpuSeconds("servers") / tookSeconds,
    generatorCpu: cpuSeconds("generator") / tookSeconds,
    publisherCpu: cpuSeconds("publisher") / tookSeconds,
    othersCpu: Math.max(0, busySeconds - cpuSeconds("servers")) / tookSeconds,
    emptyBytes,
    idleBytes,
    peakBytes: after.servers.peakRssBytes,
  };
}

async function push(
  publisher: Publisher,
  pushes: number,
  rate: number | undefined,
): Promise<PublisherReport> {
  return (await publisher.ask({ type: "push", pushes, rate })) as PublisherReport;
}

/** Returns when the last delivery came, to within a poll. */
async function settle(generator: Generator, expected: number): Promise<number> {
  const startedMs = performance.now();
  let last = { count: -1, atMs: startedMs };
  for (;;) {
    const count = (await generator.ask({ type: "count" })) as number;
    const nowMs = performance.now();
    if (count !== last.count) last = { count, atMs: nowMs };
    const isOver = nowMs - startedMs > MAX_SETTLE_MS || nowMs - last.atMs > STALLED_MS;
    if (count >= expected || isOver) return last.atMs;
    await sleep(POLL_MS);
  }
}

function usageOfAll(
  running: RunningSystem,
  generator: Generator,
  publisher: Publisher,
): Record<"servers" | "beside" | "generator" | "publisher", Usage> {
  return {
    servers: usageOf(running.servers),
    beside: usageOf(running.beside),
    generator: usageOf([generator.pid]),
    publisher: usageOf([publisher.pid]),
  };
}
