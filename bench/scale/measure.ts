import { cpus, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../test/support/until.ts";
import type { GeneratorReport } from "../comparison/load/messages.ts";
import type { ReceiversReport } from "../manager/messages.ts";
import { sum } from "../measure.ts";
import { productCommit } from "../product-commit.ts";
import type { PublisherReport } from "./messages.ts";
import type { Load, Part, Plan, Topology } from "./plans.ts";
import {
  machineBusySeconds,
  type ProcessesUsage,
  processesUsage,
  usageRate,
} from "./processes-usage.ts";
import type { Run } from "./run.ts";
import { type System, withSystem } from "./system.ts";

/** How long the last deliveries may take; what has not come by then is told as undelivered. */
const SETTLE_MS = 3_000;
const CONTENT_BYTES = 128;

/** Starts a plan's topology, and measures one load after another on it. */
export async function measure(
  part: Part,
  { topology, loads }: Plan,
  onRun: (run: Run) => void,
): Promise<void> {
  await withSystem(topology, async (system) => {
    const { rate, seconds } = topology.warmUp;
    await push(system, topology, { rate, seconds, contentBytes: CONTENT_BYTES, memberShare: 1 });
    for (const load of loads) onRun(await measureLoad(part, topology, load, system));
  });
}

async function measureLoad(
  part: Part,
  topology: Topology,
  load: Load,
  system: System,
): Promise<Run> {
  const at = new Date().toISOString();
  const [loadBefore = Number.NaN] = loadavg();
  const receivedBefore = await receivedByReceivers(system);
  const before = usageOfAll(system);
  const busyBefore = machineBusySeconds();
  const startedMs = performance.now();
  const { pushed, report } = await push(system, topology, load);
  const after = usageOfAll(system);
  const took = (performance.now() - startedMs) / 1000;
  const busyCores = (machineBusySeconds() - busyBefore) / took;

  const received = await receivedByReceivers(system);
  const toReceivers = topology.nodesAre === "receivers" ? pushed.pushes * topology.nodes : 0;
  const missing = toReceivers - (received.publications - receivedBefore.publications);
  for (const { process } of [...system.managers, ...system.nodes]) {
    if (process.unexpectedEnd !== undefined) throw new Error(process.unexpectedEnd);
  }
  const rate = (of: keyof typeof after) => usageRate(before[of], after[of], took);
  const [managers, nodes, generator, publisher] = [
    rate("managers"),
    rate("nodes"),
    rate("generator"),
    rate("publisher"),
  ];
  const own = [managers, nodes, rate("receivers"), generator, publisher, rate("bench")];
  const ownCores = sum(own.map(({ cpuSeconds }) => cpuSeconds));
  const { deliveries, receivedBytes, lost, repeated, outOfOrder, undelivered, closed } = report;
  const ofANode = (value: number) =>
    system.nodes.length === 0 ? undefined : value / system.nodes.length;
  const ofADelivery = <Value>(value: Value) => (deliveries === 0 ? undefined : value);
  return {
    part,
    topology,
    load,
    commit: productCommit(),
    at,
    loadBefore,
    busyShare: busyCores / cpus().length,
    othersCores: Math.max(0, busyCores - ownCores),
    pushesPerSecond: pushed.pushes / took,
    groupsPerSecond: pushed.groups / took,
    deliveriesPerSecond: deliveries / took,
    faults: {
      refused: pushed.refused,
      lost: lost + received.holes,
      repeated,
      outOfOrder,
      undelivered: undelivered + missing,
      closed,
    },
    managerCores: managers.cpuSeconds / system.managers.length,
    nodeCores: ofANode(nodes.cpuSeconds),
    loadCores: Math.max(generator.cpuSeconds, publisher.cpuSeconds),
    linkBytesPerSecond: ofANode(nodes.readBytes),
    ackBytesPerSecond: ofANode(nodes.writtenBytes - receivedBytes / took),
    bytesPerDelivery: ofADelivery(receivedBytes / deliveries),
    latencyMs: ofADelivery({ p50: report.p50Ms, p99: report.p99Ms, max: report.maxMs }),
  };
}

/** Pushes, and waits for the last deliveries. */
async function push(
  { generator, publisher }: System,
  { members }: Topology,
  load: Load,
): Promise<{ pushed: PublisherReport; report: GeneratorReport }> {
  const idle = { type: "push", ...load, rate: 0 } as const;
  const { through: from } = (await publisher.ask(idle)) as PublisherReport;
  await generator.ask({ type: "begin", from });
  if (load.rate === 0) await sleep(load.seconds * 1000);
  const pushed = (await publisher.ask({ type: "push", ...load })) as PublisherReport;
  const { through } = pushed;
  const toMembers = through.reduce((sum, next, room) => sum + next - (from[room] ?? 0), 0);
  const isComplete = async () =>
    ((await generator.ask({ type: "count" })) as number) >= toMembers * members;
  await until("all deliveries", isComplete, SETTLE_MS).catch(() => {});
  const report = (await generator.ask({ type: "report", through })) as GeneratorReport;
  return { pushed, report };
}

async function receivedByReceivers({ receivers }: System) {
  const replies = await Promise.all(receivers.map((process) => process.ask({ type: "report" })));
  const reports = replies as ReceiversReport[];
  return {
    publications: sum(reports.flatMap(({ publications }) => publications)),
    holes: sum(reports.map(({ holes }) => holes)),
  };
}

function usageOfAll(
  system: System,
): Record<
  "managers" | "nodes" | "receivers" | "generator" | "publisher" | "bench",
  ProcessesUsage
> {
  const { managers, nodes, receivers, generator, publisher } = system;
  return {
    managers: processesUsage(managers.map(({ process }) => process.pid)),
    nodes: processesUsage(nodes.map(({ process }) => process.pid)),
    receivers: processesUsage(receivers.map(({ pid }) => pid)),
    generator: processesUsage([generator.pid]),
    publisher: processesUsage([publisher.pid]),
    bench: processesUsage([process.pid]),
  };
}
