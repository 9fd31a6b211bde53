import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fence } from "../support/fence.ts";
import type { ManagerClient } from "../support/manager-client.ts";
import type { RunningManager } from "../support/processes.ts";
import { type Cluster, Stage } from "../support/stage.ts";
import type { TestClient } from "../support/ws-client.ts";

const API = "PushToRoom";

describe("two push-managers with the same nodes", { timeout: 60_000 }, () => {
  const stage = new Stage();
  let cluster: Cluster;
  let managers: [RunningManager, RunningManager];
  let publishers: [ManagerClient, ManagerClient];
  let clients: TestClient[];

  beforeAll(async () => {
    cluster = await stage.cluster(2);
    const second = await stage.manager({
      REGISTRY: "etcd",
      ETCD_ENDPOINTS: cluster.etcd.endpoint,
    });
    managers = [cluster.manager, second];
    publishers = [cluster.publisher, stage.publisher(second)];
    await publishers[1].untilLinked(cluster.nodes.map(({ nodeId }) => nodeId));
    clients = await Promise.all(cluster.nodes.map((node) => stage.client(node, { userId: "ann" })));
    await Promise.all(clients.map((client) => client.join("room")));
  }, 60_000);

  afterAll(() => stage.close());

  test("what one manager accepted for one target reaches each session in that order", async () => {
    const PUSHES = 300;
    const contents = (manager: string) =>
      Array.from({ length: PUSHES }, (_, n) => `${manager} ${n}`);
    const pushAll = async (publisher: ManagerClient, manager: string) => {
      for (const content of contents(manager)) {
        const { report } = await publisher.pushToRoom({ roomId: "room", content });
        expect(report).toMatchObject({ nodesAcked: 2, nodesMatched: 2, sessionsDelivered: 2 });
      }
    };
    await Promise.all([pushAll(publishers[0], "a"), pushAll(publishers[1], "b")]);
    for (const client of clients) {
      await client.count(2 * PUSHES);
      expect(client.texts.filter((text) => text.startsWith("a "))).toEqual(contents("a"));
      expect(client.texts.filter((text) => text.startsWith("b "))).toEqual(contents("b"));
      expect(new Set(client.messages.map(({ id }) => id.split("-")[0]))).toEqual(
        new Set(managers.map(({ epoch }) => epoch)),
      );
    }
    const links = await Promise.all(cluster.nodes.map((node) => node.metrics()));
    expect(links.map((metrics) => metrics.value("connect_node_links"))).toEqual([2, 2]);
  });

  test("a node drops what it has, by position and by idempotency key", async () => {
    const request = { roomId: "room", content: "once", idempotencyKey: "order-1" };
    const first = await publishers[0].pushToRoom(request);
    expect(first.report).toMatchObject({ nodesMatched: 2, nodesDuplicate: 0 });
    const deliveredBefore = await deliveredOn(managers[1]);
    const retry = await publishers[1].pushToRoom({ ...request, content: "not this" });
    expect(retry.report).toEqual({ ...first.report, nodesDuplicate: 2 });
    expect(retry.messageId).toMatch(new RegExp(`^${managers[1].epoch}-`));
    expect(await deliveredOn(managers[1])).toBe(deliveredBefore);

    await fence(publishers[1], clients);
    for (const client of clients) {
      expect(client.texts.filter((text) => /^(once|not this)$/.test(text))).toEqual(["once"]);
      expect((await client.message("once")).key).toBeDefined();
    }
    // What follows at that manager arrives: its position moved on over the duplicate.
    await publishers[1].pushToRoom({ roomId: "room", content: "next" });
    await Promise.all(clients.map((client) => client.message("next")));
  });

  test("the same key at both managers at once is delivered once on each node", async () => {
    const keys = Array.from({ length: 50 }, (_, n) => `race-${n}`);
    for (const idempotencyKey of keys) {
      const request = { roomId: "room", content: idempotencyKey, idempotencyKey };
      const both = await Promise.all(publishers.map((publisher) => publisher.pushToRoom(request)));
      const duplicates = both.map(({ report }) => report.nodesDuplicate);
      expect(duplicates.reduce((sum, count) => sum + count)).toBe(cluster.nodes.length);
    }
    await fence(publishers[0], clients);
    for (const client of clients) {
      expect(client.texts.filter((text) => text.startsWith("race-"))).toEqual(keys);
    }
  });

  test("a retry with its key through the same manager appends nothing", async () => {
    const request = { roomId: "room", content: "same manager", idempotencyKey: "order-2" };
    const [first, second] = await Promise.all([
      publishers[0].pushToRoom(request),
      publishers[0].pushToRoom(request),
    ]);
    const third = await publishers[0].pushToRoom({ ...request, content: "other" });
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    const { messageId } = await publishers[0].pushToRoom({ roomId: "room", content: "after" });
    expect(messageId).toBe(`${managers[0].epoch}-${Number(first.messageId.split("-")[1]) + 1}`);
    await Promise.all(clients.map((client) => client.message("after")));
    for (const { texts } of clients) {
      expect(texts.filter((text) => text === "same manager")).toHaveLength(1);
      expect(texts).not.toContain("other");
    }
  });

  test("one that is killed takes nothing from the other", async () => {
    await managers[0].process.stop("SIGKILL");
    const { report } = await publishers[1].pushToRoom({ roomId: "room", content: "alone" });
    expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 2, sessionsDelivered: 2 });
    await Promise.all(clients.map((client) => client.message("alone")));
  });

  async function deliveredOn(manager: RunningManager): Promise<number> {
    const metrics = await manager.metrics();
    return metrics.value("push_manager_broadcast_delivered_total", { api: API });
  }
});
