import { setTimeout as sleep } from "node:timers/promises";
import { FailureReason } from "@pushcast/api";
import { describe, expect } from "vitest";
import type { Direction, FaultProxy } from "../support/fault-proxy.ts";
import type { ManagerClient } from "../support/manager-client.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";
import type { TestClient } from "../support/ws-client.ts";

const ACK_TIMEOUT_MS = 2_000;
const PUSH_EVERY_MS = 20;
/**
 * For a push to a node with a healthy link to reach its client. Who waits for a dead link waits for
 * ACK_TIMEOUT_MS, or until it is torn down.
 */
const NOT_HELD_BACK_MS = 1_200;

interface Scene {
  /** Between the manager and the first node. */
  readonly proxy: FaultProxy;
  readonly publisher: ManagerClient;
  /** On the first node. */
  readonly behind: TestClient;
  /** On the second node, which the manager reaches without a proxy. */
  readonly beside: TestClient;
  readonly behindId: string;
}

/** A manager with two nodes, to one of which it has a proxy's address. */
async function scene(stage: Stage): Promise<Scene> {
  const [first, second] = await Promise.all([
    stage.node({ REGISTRY: "memory", POD_NAME: "behind-proxy" }),
    stage.node({ REGISTRY: "memory", POD_NAME: "beside-proxy" }),
  ]);
  const proxy = await stage.proxy(first.grpcPort);
  const manager = await stage.manager({
    REGISTRY: "static",
    NODES: `127.0.0.1:${proxy.port},${second.grpcAddress}`,
    ACK_TIMEOUT_MS,
  });
  const publisher = stage.publisher(manager);
  await publisher.untilLinked([first.nodeId, second.nodeId]);
  const behind = await stage.client(first, { userId: "ann" });
  const beside = await stage.client(second, { userId: "bob" });
  await Promise.all([behind.join("room"), beside.join("room")]);
  return { proxy, publisher, behind, beside, behindId: first.nodeId };
}

async function linkState({ publisher, behindId }: Scene): Promise<string | undefined> {
  return (await publisher.listNodes()).nodes.find(({ nodeId }) => nodeId === behindId)?.link;
}

/** Everything arrived on both nodes, in order, once; and beside the fault also soon. */
async function expectAllDelivered({ behind, beside }: Scene, pushing: SteadyPushes) {
  const all = await pushing.stop();
  expect(pushing.refused).toEqual([]);
  for (const client of [behind, beside]) {
    await client.count(all.length);
    expect(client.texts).toEqual(all);
    expect(client.frames.filter(({ type }) => type === "gap")).toEqual([]);
  }
  const delaysMs = pushing.answered.map(
    ({ sentAtMs }, n) => (beside.messageAtMs[n] ?? Number.POSITIVE_INFINITY) - sentAtMs,
  );
  expect(Math.max(...delaysMs)).toBeLessThan(NOT_HELD_BACK_MS);
}

describe.concurrent("a link that fails under pushes", { timeout: 60_000 }, () => {
  it("a link that was cut goes on after what the node has", async ({ stage }) => {
    const cut = await scene(stage);
    const pushing = new SteadyPushes(cut.publisher, "room", PUSH_EVERY_MS);
    await cut.behind.count(10);

    await cut.proxy.suspend();
    await until("the link is down", async () => (await linkState(cut)) !== "live");
    const downAtMs = performance.now();
    await sleep(2_000);
    const withoutLink = () => pushing.answeredWithin(downAtMs, performance.now());
    await until("50 pushes without the link", () => withoutLink().length >= 50);
    const meanwhile = withoutLink();
    await cut.proxy.resume();
    const resumedAtMs = performance.now();
    await until("the link is live", async () => (await linkState(cut)) === "live");
    expect(performance.now() - resumedAtMs).toBeLessThan(1_500);
    await cut.behind.count(pushing.sent + 10);

    await expectAllDelivered(cut, pushing);
    for (const { report, tookMs } of meanwhile) {
      expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 1, sessionsDelivered: 1 });
      expect(report.failures).toMatchObject([
        { nodeId: cut.behindId, reason: FailureReason.FAILURE_REASON_LINK_DOWN },
      ]);
      expect(tookMs).toBeLessThan(NOT_HELD_BACK_MS);
    }
    expect(pushing.answered.at(-1)?.report).toMatchObject({ nodesAcked: 2, failures: [] });
  });

  it("loses nothing when it is cut again and again", async ({ stage }) => {
    const cut = await scene(stage);
    const pushing = new SteadyPushes(cut.publisher, "room", 2);
    for (let times = 0; times < 10; times += 1) {
      await cut.behind.count(cut.behind.messages.length + 50);
      cut.proxy.cut();
      await until("the link is live", async () => (await linkState(cut)) === "live");
    }
    await expectAllDelivered(cut, pushing);
  });

  it.for<Direction>(["to-target", "to-client"])(
    "is torn down after a silence of 3 s, and attached anew, when it is dead %s",
    async (direction, { stage }) => {
      const held = await scene(stage);
      const pushing = new SteadyPushes(held.publisher, "room", PUSH_EVERY_MS);
      await held.behind.count(10);

      held.proxy.pause(direction);
      const pausedAtMs = performance.now();
      await until("the link is down", async () => (await linkState(held)) !== "live");
      const downAfterMs = performance.now() - pausedAtMs;
      expect(downAfterMs).toBeGreaterThan(2_000);
      held.proxy.unpause();
      await until("the link is live", async () => (await linkState(held)) === "live");
      await held.behind.count(pushing.sent + 10);

      await expectAllDelivered(held, pushing);
      const reasons = new Set(
        pushing.answered.flatMap(({ report }) => report.failures.map(({ reason }) => reason)),
      );
      expect(reasons).toEqual(
        new Set([FailureReason.FAILURE_REASON_DEADLINE, FailureReason.FAILURE_REASON_LINK_DOWN]),
      );
      // After the first missed deadline it is not waited for any more.
      const missedAtMs = pausedAtMs + ACK_TIMEOUT_MS;
      for (const { sentAtMs, tookMs } of pushing.answered) {
        if (sentAtMs > missedAtMs + 200) expect(tookMs).toBeLessThan(NOT_HELD_BACK_MS);
      }
      expect(pushing.answered.at(-1)?.report).toMatchObject({ nodesAcked: 2, failures: [] });
    },
  );
});
