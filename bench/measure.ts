import { loadavg } from "node:os";
import type { Child } from "../test/support/child.ts";
import { until } from "../test/support/until.ts";
import type { ClientsReply, ClientsReport, ClientsRequest, PublisherReport } from "./messages.ts";
import type { Plan } from "./scenarios.ts";
import { type System, withSystem } from "./system.ts";

/** How long the last deliveries may take before what is missing is lost. */
const SETTLE_MS = 5_000;

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface Result {
  readonly plan: Plan;
  /** Pushes a second as they were. */
  readonly rate: number;
  readonly pushes: number;
  readonly refused: number;
  readonly deliveries: number;
  readonly losses: number;
  readonly repeats: number;
  readonly outOfOrder: number;
  /** From the publisher's call to a live client's receipt of the frame. */
  readonly latencyMs: Percentiles;
  /** From the publisher's call to its answer. */
  readonly answerMs: Percentiles;
  readonly managerCpuMicrosAPush: number;
  /** What the nodes do without pushes is in it. */
  readonly nodesCpuMicrosADelivery: number;
  /** Of the largest node, at the end. */
  readonly nodeRssBytes: number;
  /** Shares of one core; one near 1 measures the generator and not the system. */
  readonly clientsCpu: number;
  readonly publisherCpu: number;
  /** Of the machine over one minute, before the system was started. */
  readonly loadBefore: number;
}

export async function measure(plan: Plan): Promise<Result> {
  const [loadBefore = Number.NaN] = loadavg();
  return await withSystem(plan, async (system) => {
    const { manager, nodes, publisher, clients, roomIds, roomOf } = system;
    const { rate, contentBytes, warmUpSeconds } = plan;
    const pushing = { address: manager.grpcAddress, roomIds, rate, contentBytes };
    await publisher.ask({ type: "push", ...pushing, seconds: warmUpSeconds, isWarmUp: true });

    const before = cpuSeconds(system);
    const startedAtMs = performance.now();
    const pushed = (await publisher.ask({
      type: "push",
      ...pushing,
      seconds: plan.seconds,
      isWarmUp: false,
    })) as PublisherReport;
    const expected = roomOf.map((room) => pushed.accepted[room] ?? 0);
    await settled(clients, sum(expected));
    const tookSeconds = (performance.now() - startedAtMs) / 1_000;
    for (const { process } of [manager, ...nodes]) {
      if (process.unexpectedEnd !== undefined) throw new Error(process.unexpectedEnd);
    }
    const after = cpuSeconds(system);
    const nodeRssBytes = Math.max(...nodes.map((node) => node.process.rssBytes));
    const got = (await clients.ask({ type: "report" })) as ClientsReport;

    const pushes = sum(pushed.accepted);
    const deliveries = sum(got.distinct);
    return {
      plan,
      rate: pushes / pushed.tookSeconds,
      pushes,
      refused: pushed.refused,
      deliveries,
      losses: sum(expected.map((count, n) => Math.max(0, count - (got.distinct[n] ?? 0)))),
      repeats: got.repeats,
      outOfOrder: got.outOfOrder,
      latencyMs: percentiles(got.latenciesMs),
      answerMs: percentiles(pushed.answerMs),
      managerCpuMicrosAPush: ((after.manager - before.manager) * 1e6) / pushes,
      nodesCpuMicrosADelivery: ((after.nodes - before.nodes) * 1e6) / deliveries,
      nodeRssBytes,
      clientsCpu: (after.clients - before.clients) / tookSeconds,
      publisherCpu: (after.publisher - before.publisher) / tookSeconds,
      loadBefore,
    };
  });
}

/** Whether nothing was lost, repeated, disordered or refused. */
export function isFaultless({ losses, repeats, outOfOrder, refused }: Result): boolean {
  return losses + repeats + outOfOrder + refused === 0;
}

function cpuSeconds({ manager, nodes, clients, publisher }: System) {
  return {
    manager: manager.process.cpuSeconds,
    nodes: sum(nodes.map((node) => node.process.cpuSeconds)),
    clients: clients.cpuSeconds,
    publisher: publisher.cpuSeconds,
  };
}

/** Waits for the last deliveries; what has not come by then is lost. */
export async function settled(
  clients: Child<ClientsRequest, ClientsReply>,
  expected: number,
): Promise<void> {
  const isComplete = async () => ((await clients.ask({ type: "count" })) as number) >= expected;
  await until("all deliveries", isComplete, SETTLE_MS).catch(() => {});
}

export function percentiles(unsorted: Float64Array): Percentiles {
  const sorted = unsorted.toSorted();
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
