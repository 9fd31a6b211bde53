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
import type { Measured } from "./measurement.ts";
import type { RunningSystem, System } from "./systems/system.ts";
import { type Usage, usageOf } from "./usage.ts";
import type { Workload } from "./workloads.ts";

/** After the last push; what has not come by then is told as undelivered. */
const MAX_SETTLE_MS = 4_000;
/** Longer: a server that has taken a whole burst in has done a part of each delivery with that. */
const MAX_BURST_SETTLE_MS = 8_000;
/** With no delivery for so long nothing more is waited for. */
const STALLED_MS = 2_000;
/** A burst is over so soon that there are more, while so much time has not passed. */
const BURSTS_MS = 2_000;
const MAX_BURSTS = 5;
const POLL_MS = 25;

type Generator = Child<GeneratorRequest, GeneratorReply>;
type Publisher = Child<PublisherRequest, PublisherReply>;

/** Starts a system with all its clients, measures it, and ends it. */
export async function measure(system: System, workload: Workload): Promise<Measured> {
  const generator: Generator = new Child(new URL("./load/generator.ts", import.meta.url));
  const publisher: Publisher = new Child(new URL("./load/publisher.ts", import.meta.url));
  let running: RunningSystem | undefined;
  try {
    if (system.sharesCores !== true) {
      for (const { pid } of [generator, publisher]) pin(pid, LOAD_CORES);
    }
    running = await system.start();
    return await measureRunning({ system, running, workload, generator, publisher });
  } finally {
    await Promise.all([running?.close(), generator.close(), publisher.close()]);
  }
}

async function measureRunning(run: {
  readonly system: System;
  readonly running: RunningSystem;
  readonly workload: Workload;
  readonly generator: Generator;
  readonly publisher: Publisher;
}): Promise<Measured> {
  const { system, running, workload, generator, publisher } = run;
  const { rooms, members, rate, warmUpPushes } = workload;
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

  const warm = await push(publisher, warmUpPushes, rate);
  await settle(generator, warmUpPushes * members, rate);

  await generator.ask({ type: "begin", from: warm.through });
  const busyBefore = serverCoreBusySeconds();
  const before = usageOfAll(running, generator, publisher);
  const startedMs = performance.now();
  const pushed = await pushAndSettle(generator, publisher, workload);
  const after = usageOfAll(running, generator, publisher);
  const busySeconds = serverCoreBusySeconds() - busyBefore;
  const tookSeconds = (performance.now() - startedMs) / 1000;
  const report = (await generator.ask({
    type: "report",
    through: pushed.through,
  })) as GeneratorReport;

  const { pushes, pushSeconds, deliverySeconds } = pushed;
  const { deliveries, receivedBytes, ...counts } = report;
  const cpuSeconds = (of: keyof typeof after) => after[of].cpuSeconds - before[of].cpuSeconds;
  return {
    system: system.name,
    workload: workload.name,
    at,
    loadBefore,
    sessions,
    pushes,
    refused: pushed.refused,
    deliveries,
    ...counts,
    pushesPerSecond: pushes / pushSeconds,
    deliveriesPerSecond: deliveries / deliverySeconds,
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

interface Pushed {
  readonly pushes: number;
  readonly through: readonly number[];
  readonly refused: number;
  readonly pushSeconds: number;
  /** From each first push to the last delivery. */
  readonly deliverySeconds: number;
}

/** What is measured: pushes at a rate, or one burst after another. */
async function pushAndSettle(
  generator: Generator,
  publisher: Publisher,
  { pushes, rate, members }: Workload,
): Promise<Pushed> {
  const startedMs = performance.now();
  let all: Pushed = { pushes: 0, through: [], refused: 0, pushSeconds: 0, deliverySeconds: 0 };
  for (let bursts = 1; ; bursts += 1) {
    const burstMs = performance.now();
    const { through, refused, tookSeconds } = await push(publisher, pushes, rate);
    const expected = (all.pushes + pushes) * members;
    const settled = await settle(generator, expected, rate);
    all = {
      pushes: all.pushes + pushes,
      through,
      refused: all.refused + refused,
      pushSeconds: all.pushSeconds + tookSeconds,
      deliverySeconds: all.deliverySeconds + (settled.atMs - burstMs) / 1000,
    };
    const isBurst = rate === undefined && bursts < MAX_BURSTS;
    const isOver = settled.count < expected || performance.now() - startedMs > BURSTS_MS;
    if (!isBurst || isOver) return all;
  }
}

async function push(
  publisher: Publisher,
  pushes: number,
  rate: number | undefined,
): Promise<PublisherReport> {
  return (await publisher.ask({ type: "push", pushes, rate })) as PublisherReport;
}

/** Returns how many deliveries there were, and when the last one came, to within a poll. */
async function settle(
  generator: Generator,
  expected: number,
  rate: number | undefined,
): Promise<{ readonly count: number; readonly atMs: number }> {
  const startedMs = performance.now();
  const maxMs = rate === undefined ? MAX_BURST_SETTLE_MS : MAX_SETTLE_MS;
  let last = { count: -1, atMs: startedMs };
  for (;;) {
    const count = (await generator.ask({ type: "count" })) as number;
    const nowMs = performance.now();
    if (count !== last.count) last = { count, atMs: nowMs };
    const isOver = nowMs - startedMs > maxMs || nowMs - last.atMs > STALLED_MS;
    if (count >= expected || isOver) return last;
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
