import { FailureReason } from "@pushcast/api";
import { describe, expect } from "vitest";
import { it } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const TTL_MS = 2_000;
const ACK_TIMEOUT_MS = 8_000;

describe("the life of a connect-node", { timeout: 60_000 }, () => {
  it("is used within 2 s of registering, and let go within 1 s of SIGTERM", async ({ stage }) => {
    const { etcd, publisher } = await stage.cluster(1);
    const pushing = new SteadyPushes(publisher, "room", 20);
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const node = await stage.node(found);
    // Its ready line comes before it has registered, so this bound is the stricter one.
    const readyAtMs = performance.now();
    await until("a push that went to the new node", () =>
      pushing.answered.some(({ report }) => report.nodesAcked === 2),
    );
    expect(performance.now() - readyAtMs).toBeLessThan(2_000);
    const client = await stage.client(node, { userId: "ann" });
    await client.join("room");
    await client.count(1);

    const stoppedAtMs = performance.now();
    const exit = node.process.stop();
    const knowsOne = async () => (await publisher.listNodes()).nodesTotal === 1;
    await until("the node is let go", knowsOne, 2_000);
    expect(performance.now() - stoppedAtMs).toBeLessThan(1_000);
    expect(await exit).toBe(0);
    await pushing.stop();
    expect(pushing.refused).toEqual([]);
    const { report } = await publisher.pushToRoom({ roomId: "room", content: "after" });
    expect(report).toMatchObject({ nodesTotal: 1, nodesAcked: 1, failures: [] });
    // Nobody waited for the node that left.
    expect(Math.max(...pushing.answered.map(({ tookMs }) => tookMs))).toBeLessThan(1_000);
  });

  it("ends without warning: reported as LINK_DOWN at once, and gone with its lease", async ({
    stage,
  }) => {
    const { nodes, publisher } = await stage.cluster(2, { manager: { ACK_TIMEOUT_MS } });
    const [survivor, victim] = nodes;
    if (survivor === undefined || victim === undefined) throw new Error("two nodes are needed");
    const client = await stage.client(survivor, { userId: "ann" });
    await client.join("room");
    const pushing = new SteadyPushes(publisher, "room", 20);
    await client.count(5);

    const killedAtMs = performance.now();
    await victim.process.stop("SIGKILL");
    await until("the link is down", async () => {
      const { nodes } = await publisher.listNodes();
      return nodes.some(({ nodeId, link }) => nodeId === victim.nodeId && link !== "live");
    });
    const downAtMs = performance.now();
    const knowsOne = async () => (await publisher.listNodes()).nodesTotal === 1;
    await until("the node is gone", knowsOne, 3 * TTL_MS);
    const goneAfterMs = performance.now() - killedAtMs;
    const all = await pushing.stop();

    expect(goneAfterMs).toBeLessThan(TTL_MS + 1_500);
    expect(pushing.refused).toEqual([]);
    for (const { report, tookMs } of pushing.answered) {
      expect(tookMs).toBeLessThan(ACK_TIMEOUT_MS / 4);
      expect(report.nodesAcked + report.failures.length).toBe(report.nodesTotal);
      expect(report).toMatchObject({ nodesMatched: 1, sessionsDelivered: 1 });
    }
    // Those that come after its lease has ended do not count it any more.
    const seenDead = pushing
      .answeredWithin(downAtMs, Number.POSITIVE_INFINITY)
      .filter(({ report }) => report.nodesTotal === 2);
    expect(seenDead.length).toBeGreaterThan(0);
    for (const { report } of seenDead) {
      expect(report.failures).toMatchObject([
        { nodeId: victim.nodeId, reason: FailureReason.FAILURE_REASON_LINK_DOWN },
      ]);
    }
    const { report } = await publisher.pushToRoom({ roomId: "elsewhere", content: "after" });
    expect(report).toMatchObject({ nodesTotal: 1, nodesAcked: 1, failures: [] });
    await client.count(all.length);
    expect(client.texts).toEqual(all);
  });

  it("comes back under its own name after it was killed, on another port", async ({ stage }) => {
    const { etcd, publisher } = await stage.cluster(0);
    const settings = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint, POD_NAME: "node-0" };
    const first = await stage.node(settings);
    await publisher.untilLinked(["node-0"]);
    await first.process.stop("SIGKILL");
    const second = await stage.node(settings);
    expect(second.grpcAddress).not.toBe(first.grpcAddress);
    const isBack = async () => {
      const { nodes } = await publisher.listNodes();
      return nodes.length === 1 && nodes[0]?.grpcAddress === second.grpcAddress;
    };
    await until("the manager follows the node", isBack);
    await publisher.untilLinked(["node-0"]);
    const client = await stage.client(second, { userId: "ann" });
    await client.join("room");
    await publisher.pushToRoom({ roomId: "room", content: "again" });
    await client.message("again");
  });

  it("drains by POST /drain until SIGTERM, and takes no sessions meanwhile", async ({ stage }) => {
    const { nodes, publisher } = await stage.cluster(1);
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const client = await stage.client(node, { userId: "ann" });
    const answer = await fetch(`${node.opsUrl}/drain`, { method: "POST" });
    expect(answer.status).toBe(202);
    expect((await client.closed).code).toBe(1012);
    expect((await fetch(`${node.opsUrl}/readyz`)).status).toBe(503);
    expect((await fetch(`${node.opsUrl}/livez`)).status).toBe(200);
    await expect(stage.client(node, { userId: "bob" })).rejects.toThrow(/503/);
    const isDraining = async () => (await publisher.listNodes()).nodes[0]?.state === "draining";
    await until("the manager sees it draining", isDraining);
    const { report } = await publisher.broadcast({ content: "still sent there" });
    expect(report).toMatchObject({ nodesTotal: 1, nodesAcked: 1, nodesMatched: 0 });
    expect(await node.process.stop()).toBe(0);
  });
});
