import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fence } from "../support/fence.ts";
import type { Pushed } from "../support/manager-client.ts";
import type { Metrics } from "../support/metrics.ts";
import { type Cluster, Stage } from "../support/stage.ts";
import type { TestClient } from "../support/ws-client.ts";

const NODES = 10;
const USERS_PER_NODE = 10;
const ROOM = "room-001";

/** 100 users spread over 10 nodes; the first five of the first two nodes are in the room. */
describe("one PushToRoom to a room of 10 users on 2 of 10 nodes", { timeout: 60_000 }, () => {
  const stage = new Stage();
  let cluster: Cluster;
  let members: TestClient[];
  let others: TestClient[];
  let pushed: Pushed;
  let managerMetrics: Metrics;
  let nodeMetrics: Metrics[];

  beforeAll(async () => {
    cluster = await stage.cluster(NODES);
    const byNode = await Promise.all(
      cluster.nodes.map((node, n) =>
        Promise.all(
          Array.from({ length: USERS_PER_NODE }, (_, u) =>
            stage.client(node, { userId: `user-${n}-${u}` }),
          ),
        ),
      ),
    );
    members = byNode.slice(0, 2).flatMap((clients) => clients.slice(0, 5));
    others = byNode.flat().filter((client) => !members.includes(client));
    await Promise.all(members.map((member) => member.join(ROOM)));

    pushed = await cluster.publisher.pushToRoom({ roomId: ROOM, content: "good evening" });
    managerMetrics = await cluster.manager.metrics();
    nodeMetrics = await Promise.all(cluster.nodes.map((node) => node.metrics()));
    await fence(cluster.publisher, [...members, ...others]);
  }, 60_000);

  afterAll(() => stage.close());

  test("reaches each of the ten users once, and nobody else", () => {
    expect(members).toHaveLength(10);
    expect(others).toHaveLength(90);
    for (const { messages, texts } of members) {
      expect(texts).toEqual(["good evening", expect.stringMatching(/^fence/)]);
      expect(messages[0]).toMatchObject({ id: pushed.messageId, room: ROOM, target: "room" });
    }
    for (const { texts } of others) expect(texts).toEqual([expect.stringMatching(/^fence/)]);
  });

  test("is counted by the manager: sent to 10 nodes, delivered on 2", () => {
    const api = "PushToRoom";
    expect(managerMetrics.value("push_manager_broadcast_nodes_total", { api })).toBe(10);
    expect(managerMetrics.value("push_manager_broadcast_delivered_total", { api })).toBe(2);
    expect(managerMetrics.value("push_manager_pushes_total", { api, code: "OK" })).toBe(1);
    for (const other of ["PushToUser", "BroadcastMessage"]) {
      const labels = { api: other };
      expect(managerMetrics.value("push_manager_broadcast_nodes_total", labels)).toBe(0);
      expect(managerMetrics.value("push_manager_broadcast_delivered_total", labels)).toBe(0);
    }
  });

  test("is counted by the nodes: 2 had users for it, 8 had none", () => {
    const received = (has_users: string) =>
      nodeMetrics.map((metrics) =>
        metrics.value("connect_node_push_received_total", { has_users }),
      );
    expect(received("true")).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(received("false")).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    const deliveries = nodeMetrics.map((metrics) =>
      metrics.value("connect_node_deliveries_total", { target: "room" }),
    );
    expect(deliveries).toEqual([5, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
    for (const metrics of nodeMetrics) expect(metrics.value("connect_node_sessions")).toBe(10);
  });

  test("is reported: 10 nodes, 10 acknowledged, 2 matched, 10 sessions", () => {
    expect(pushed.report).toEqual({
      nodesTotal: 10,
      nodesAcked: 10,
      nodesMatched: 2,
      sessionsDelivered: 10,
      sessionsLagging: 0,
      failures: [],
      nodesDuplicate: 0,
    });
    expect(pushed.messageId).toBe(`${cluster.manager.epoch}-1`);
  });
});
