import { describe, expect } from "vitest";
import { Crowd, FLOODED, type Member, numbersAroundGap } from "../support/crowd.ts";
import { connectionsAt } from "../support/proc.ts";
import type { RunningNode, Settings } from "../support/processes.ts";
import { range } from "../support/range.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const LIVE = 500;
const STALLED = 500;
const IN_ALL_ROOMS = 5;

/** About 2 GB must go into sockets. */
const FULL_WITHIN_MS = 40_000;

const LOG_BYTES = 8 * MIB;
const FRAME_CACHE_BYTES = 4 * MIB;
const SESSION_BUFFER_BYTES = 16 * KIB;
const BOUND_BYTES = LOG_BYTES + FRAME_CACHE_BYTES + (LIVE + STALLED) * SESSION_BUFFER_BYTES;
/** Resident memory that nobody holds any more, until it is collected and given back. */
const GARBAGE_BYTES = 96 * MIB;

async function gather(
  stage: Stage,
  live: number,
  settings: Settings,
): Promise<{ node: RunningNode; crowd: Crowd }> {
  const { nodes, publisher } = await stage.cluster(1, {
    // A flood may hold the node up for as long as a short lease lasts.
    node: {
      REGISTRATION_TTL_S: 60,
      LOG_BYTES,
      FRAME_CACHE_BYTES,
      SESSION_BUFFER_BYTES,
      ...settings,
    },
    manager: { LOG_BYTES },
  });
  const [node] = nodes;
  if (node === undefined) throw new Error("a node is needed");
  const crowd = new Crowd(stage, node, publisher);
  await crowd.openLive(live);
  return { node, crowd };
}

/** What the process has allocated, and not yet collected where it is garbage. */
async function heldBytes(node: RunningNode): Promise<number> {
  const metrics = await node.metrics();
  return (
    metrics.value("nodejs_heap_size_used_bytes") + metrics.value("nodejs_external_memory_bytes")
  );
}

/** A member that fell off the log: a run from the first push, the gaps, and a run to the last. */
function expectRunsAroundGap(crowd: Crowd, { client, subscriptions }: Member): void {
  for (const subscribed of subscriptions) {
    const { before, behind } = numbersAroundGap(client, subscribed);
    expect(before).toEqual(range(0, before.length));
    const [goesOnAt = 0] = behind;
    expect(goesOnAt).toBeGreaterThan(before.length);
    expect(behind).toEqual(range(goesOnAt, crowd.pushed(subscribed)));
  }
}

function expectEverything(crowd: Crowd, { client, subscriptions }: Member): void {
  expect(client.frames.filter(({ type }) => type === "gap")).toEqual([]);
  for (const subscribed of subscriptions) {
    const { before } = numbersAroundGap(client, subscribed);
    expect(before).toEqual(range(0, crowd.pushed(subscribed)));
  }
}

describe("clients that stall among others", { timeout: 90_000 }, () => {
  it("a slow session costs the node no more than its socket's buffer", async ({ stage }) => {
    const FLOOD_BYTES = 96 * MIB;
    // None of them is to be closed for it, however long the flood takes here.
    const { node, crowd } = await gather(stage, LIVE, { LAG_SECONDS: 120 });
    await crowd.openStalled(STALLED, IN_ALL_ROOMS);
    await crowd.round();
    const rssBefore = node.process.rssBytes;
    const heldBefore = await heldBytes(node);

    await until(
      `${STALLED} lagging sessions`,
      async () => {
        const reports = await crowd.flood(MIB);
        return reports.every(({ sessionsLagging }) => sessionsLagging === STALLED);
      },
      FULL_WITHIN_MS,
    );
    expect((await node.metrics()).value("connect_node_lagging_sessions")).toBe(STALLED);
    const toAll = (await crowd.round()).at(-1);
    expect(toAll).toMatchObject({ sessionsDelivered: LIVE, sessionsLagging: STALLED });

    // The log still has what these lack.
    const refilled = crowd.stalled.slice(-2);
    for (const { client } of refilled) client.resume();
    for (const member of refilled) {
      await crowd.untilUpToDate(member);
      expectEverything(crowd, member);
      await member.client.leave(FLOODED);
    }

    let peakRss = 0;
    for (let flooded = 0; flooded < FLOOD_BYTES; flooded += 8 * MIB) {
      for (const report of await crowd.flood(8 * MIB)) {
        expect(report).toMatchObject({
          sessionsDelivered: 0,
          sessionsLagging: STALLED - refilled.length,
        });
      }
      peakRss = Math.max(peakRss, node.process.rssBytes);
    }
    expect(peakRss - rssBefore).toBeLessThan(BOUND_BYTES + GARBAGE_BYTES);
    // What is still held once garbage was collected, which the next flood brings about.
    await until("memory within the bound", async () => {
      await crowd.flood(8 * MIB);
      return (await heldBytes(node)) - heldBefore < BOUND_BYTES;
    });
    await crowd.round();

    // The log has not kept it all for these: some with twelve subscriptions, some with three. While
    // they are filled nothing is pushed, which could be evicted before they have it.
    const fallen = crowd.stalled.slice(0, 2 * IN_ALL_ROOMS);
    for (const { client } of fallen) client.resume();
    await Promise.all(fallen.map((member) => crowd.untilUpToDate(member)));
    const gapsSaid = (await node.metrics()).value("connect_node_gaps_total", { reason: "evicted" });
    await crowd.round();
    for (const member of fallen) {
      await crowd.untilUpToDate(member);
      const gaps = member.client.frames.flatMap((frame) =>
        frame.type === "gap" ? [frame.scope === "room" ? frame.room : frame.scope] : [],
      );
      const concerned = member.subscriptions.map((subscribed) => subscribed ?? "self");
      expect(gaps).toEqual(concerned.length > 10 ? ["all"] : concerned);
      expectRunsAroundGap(crowd, member);
    }
    expect(gapsSaid).toBe(IN_ALL_ROOMS + 3 * IN_ALL_ROOMS);

    for (const member of crowd.live) expectEverything(crowd, member);
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_sessions")).toBe(LIVE + STALLED);
    expect(metrics.value("connect_node_lagging_sessions")).toBe(
      STALLED - refilled.length - fallen.length,
    );
  });

  it("a session that lags for too long is closed with 4409", async ({ stage }) => {
    const FEW = 50;
    const TOO_SLOW = 100;
    const { node, crowd } = await gather(stage, FEW, { LAG_SECONDS: 1 });
    await crowd.round();
    const rssBefore = node.process.rssBytes;
    await crowd.openStalled(TOO_SLOW, IN_ALL_ROOMS);

    await until(
      `${TOO_SLOW} closed sessions`,
      async () => {
        await crowd.flood(MIB);
        const metrics = await node.metrics();
        return metrics.value("connect_node_closes_total", { code: "4409" }) === TOO_SLOW;
      },
      FULL_WITHIN_MS,
    );
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_sessions")).toBe(FEW);
    expect(metrics.value("connect_node_users")).toBe(FEW);
    expect(metrics.value("connect_node_lagging_sessions")).toBe(0);
    // They do not answer the close frame that they have not read, so they are cut.
    const port = Number(new URL(node.wsUrl).port);
    await until("the closed connections are gone", () => connectionsAt(port) === FEW);
    expect(node.process.rssBytes - rssBefore).toBeLessThan(BOUND_BYTES + GARBAGE_BYTES);

    await crowd.round();
    for (const member of crowd.live) expectEverything(crowd, member);
  });
});
