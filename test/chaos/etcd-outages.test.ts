import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import type { Etcd } from "../support/etcd.ts";
import { getKey } from "../support/etcd-keys.ts";
import type { ServiceProcess } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const TTL_MS = 2_000;
const OUTAGE_MS = 3 * TTL_MS;
const BACK_WITHIN_MS = 5_000;
/** Of one who waits for etcd: a node does so for its lease and for its watch of the others. */
const TRIES_A_SECOND = 5;
/** Pushes go on as well, so some processor time is taken; a process that spins takes all of it. */
const CPU_SHARE = 0.5;

describe.concurrent("pushes go on, and all is well soon after", { timeout: 60_000 }, () => {
  it("when etcd is away for three times the lease", async ({ stage }) => {
    await outage(stage, { begin: (etcd) => etcd.stop(), end: (etcd) => etcd.start() });
  });

  it("when etcd comes back empty", async ({ stage }) => {
    await outage(stage, { begin: (etcd) => etcd.stop(), end: (etcd) => etcd.wipe() });
  });

  it("when etcd was frozen", async ({ stage }) => {
    await outage(stage, {
      begin: async (etcd) => etcd.freeze(),
      end: async (etcd) => etcd.thaw(),
    });
  });
});

async function outage(
  stage: Stage,
  fault: { begin(etcd: Etcd): Promise<void>; end(etcd: Etcd): Promise<void> },
): Promise<void> {
  const logAll = { LOG_LEVEL: "info" };
  const { etcd, nodes, manager, publisher } = await stage.cluster(2, {
    node: logAll,
    manager: logAll,
  });
  const clients = await Promise.all(nodes.map((node) => stage.client(node, { userId: "ann" })));
  await Promise.all(clients.map((client) => client.join("room")));
  const registrations = async () =>
    (await Promise.all(nodes.map((node) => node.metrics()))).map((metrics) =>
      metrics.value("connect_node_registry_events_total", { type: "registered" }),
    );
  expect(await registrations()).toEqual([1, 1]);
  const pushing = new SteadyPushes(publisher, "room", 50);
  const processes = [manager.process, ...nodes.map(({ process }) => process)];
  const usedBefore = processes.map(({ cpuSeconds }) => cpuSeconds);
  const beganAtMs = performance.now();

  await fault.begin(etcd);
  await sleep(OUTAGE_MS);
  await fault.end(etcd);
  const backAtMs = performance.now();

  await until(
    "both nodes have registered again",
    async () => (await registrations()).every((count) => count >= 2),
    BACK_WITHIN_MS,
  );
  for (const { nodeId } of nodes) {
    const record = await getKey(etcd.endpoint, `/pushcast/nodes/${nodeId}`);
    expect(JSON.parse(record ?? "{}")).toMatchObject({ nodeId, state: "ready" });
  }
  expect(performance.now() - backAtMs).toBeLessThan(BACK_WITHIN_MS);
  const elapsedSeconds = (performance.now() - beganAtMs) / 1_000;
  const used = processes.map(({ cpuSeconds }, n) => cpuSeconds - (usedBefore[n] ?? 0));
  for (const seconds of used) expect(seconds).toBeLessThan(CPU_SHARE * elapsedSeconds);
  for (const { process } of nodes) expect(triedAtMs(process).length).toBeGreaterThan(3);
  for (const process of processes) {
    const waiting = nodes.some((node) => node.process === process) ? 2 : 1;
    expect(mostWithinASecond(triedAtMs(process))).toBeLessThan(waiting * TRIES_A_SECOND);
  }

  const late = await stage.node({ REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint });
  await until(
    "a node that started after it is used",
    () => pushing.answered.some(({ report }) => report.nodesAcked === 3),
    BACK_WITHIN_MS,
  );
  // The link is there before the node's next record says that it is ready.
  await until("all nodes are known as ready, and linked", async () => {
    const { nodes: known } = await publisher.listNodes();
    return [...nodes, late].every(({ nodeId }) =>
      known.some((one) => one.nodeId === nodeId && one.state === "ready" && one.link === "live"),
    );
  });

  const all = await pushing.stop();
  expect(all.length).toBeGreaterThan(OUTAGE_MS / 50);
  expect(pushing.refused).toEqual([]);
  for (const { report } of pushing.answered) {
    expect(report).toMatchObject({ nodesMatched: 2, sessionsDelivered: 2 });
    // One that has just been found is known before its link is live.
    expect(report.failures.filter(({ nodeId }) => nodeId !== late.nodeId)).toEqual([]);
  }
  for (const client of clients) {
    await client.count(all.length);
    expect(client.texts).toEqual(all);
  }
}

/** When it tried to register, or to list and watch, as far as its log tells. */
function triedAtMs({ logLines }: ServiceProcess): number[] {
  return logLines
    .filter(({ msg }) => /(\bregistered|-failed)$/.test(String(msg)))
    .map(({ time }) => Date.parse(String(time)));
}

/** The most moments that lie within one second. */
function mostWithinASecond(momentsMs: readonly number[]): number {
  return Math.max(
    0,
    ...momentsMs.map((from) => momentsMs.filter((at) => at >= from && at < from + 1_000).length),
  );
}
