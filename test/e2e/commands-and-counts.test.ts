import { FailureReason, Wait } from "@pushcast/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fence } from "../support/fence.ts";
import type { ManagerClient, Pushed } from "../support/manager-client.ts";
import type { RunningNode } from "../support/processes.ts";
import { type Cluster, Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import type { TestClient } from "../support/ws-client.ts";

/** Above every wait here: a caller's own deadline, and a frozen node's thaw. */
const ACK_TIMEOUT_MS = 10_000;

describe("commands and counts over two nodes", { timeout: 60_000 }, () => {
  const stage = new Stage();
  let cluster: Cluster;
  let publisher: ManagerClient;
  let zero: RunningNode;
  let one: RunningNode;
  /** Two sessions on node 0 and one on node 1. */
  let ann: TestClient[];
  let bob: TestClient;

  beforeAll(async () => {
    cluster = await stage.cluster(2, {
      node: { ZONE: "zone-a" },
      manager: { ACK_TIMEOUT_MS },
    });
    publisher = cluster.publisher;
    [zero, one] = cluster.nodes as [RunningNode, RunningNode];
    ann = await Promise.all([zero, zero, one].map((node) => stage.client(node, { userId: "ann" })));
    bob = await stage.client(one, { userId: "bob" });
  }, 60_000);

  afterAll(() => stage.close());

  test("a command is carried out on the sessions that were opened before it, in order with pushes", async () => {
    await publisher.pushToRoom({ roomId: "club", content: "too early" });
    const { report } = await publisher.joinRoom("ann", "club");
    expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 2, nodesMatched: 2 });
    expect(report).toMatchObject({ sessionsDelivered: 3, failures: [] });
    await publisher.pushToRoom({ roomId: "club", content: "welcome" });
    for (const client of ann) {
      await client.message("welcome");
      expect(client.texts).toEqual(["welcome"]);
      const joined = await client.frame("joined");
      expect(joined).toMatchObject({ room: "club" });
      expect(joined).not.toHaveProperty("id");
      const types = client.frames.map(({ type }) => type);
      expect(types.indexOf("joined")).toBeLessThan(types.indexOf("message"));
    }
    await fence(publisher, [bob]);
    expect(bob.texts).not.toContain("welcome");
  });

  test("JoinRoom acts on no session that is opened later", async () => {
    await publisher.joinRoom("late", "club");
    const late = await stage.client(zero, { userId: "late" });
    await publisher.pushToRoom({ roomId: "club", content: "not for late" });
    await fence(publisher, [late]);
    expect(late.texts).toHaveLength(1);
    await late.close();
  });

  test("GetRoom counts sessions and users on each node", async () => {
    await bob.join("club");
    const { nodes, ...room } = await publisher.getRoom("club");
    // ann is on both nodes, and counted on each.
    expect(room).toEqual({ sessions: 4, users: 3, nodesTotal: 2, nodesAnswered: 2 });
    expect(nodes).toHaveLength(2);
    expect(nodes).toContainEqual({ nodeId: zero.nodeId, sessions: 2, users: 1 });
    expect(nodes).toContainEqual({ nodeId: one.nodeId, sessions: 2, users: 2 });
    expect(await publisher.getRoom("nowhere")).toMatchObject({
      sessions: 0,
      users: 0,
      nodesAnswered: 2,
    });
  });

  test("GetUser counts the user's sessions and lists their rooms", async () => {
    await ann[2]?.join("other");
    const { rooms, nodes, ...user } = await publisher.getUser("ann");
    expect(user).toEqual({ sessions: 3, nodesTotal: 2, nodesAnswered: 2 });
    expect([...rooms].sort()).toEqual(["club", "other"]);
    expect(nodes).toContainEqual({ nodeId: zero.nodeId, sessions: 2, users: 1 });
    expect(nodes).toContainEqual({ nodeId: one.nodeId, sessions: 1, users: 1 });
    expect(await publisher.getUser("nobody")).toMatchObject({ sessions: 0, rooms: [] });
  });

  test("ListNodes tells of every node: its address, state, zone, link and counts", async () => {
    const before = Date.now();
    const { nodes, nodesTotal, nodesAnswered } = await publisher.listNodes();
    expect({ nodesTotal, nodesAnswered }).toEqual({ nodesTotal: 2, nodesAnswered: 2 });
    for (const [running, sessions, users, rooms] of [
      [zero, 2, 1, 1],
      [one, 2, 2, 2],
    ] as const) {
      const node = nodes.find(({ nodeId }) => nodeId === running.nodeId);
      expect(node).toMatchObject({
        grpcAddress: running.grpcAddress,
        state: "ready",
        zone: "zone-a",
        link: "live",
        lag: 0n,
        sessions,
        users,
        rooms,
      });
      expect(node?.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(Number(node?.startedAtMs)).toBeGreaterThan(before - 120_000);
      expect(Number(node?.startedAtMs)).toBeLessThanOrEqual(before);
    }
  });

  test("LeaveRoom takes all the user's sessions out of the room, and nobody else", async () => {
    await publisher.pushToRoom({ roomId: "club", content: "last" });
    const { report } = await publisher.leaveRoom("ann", "club");
    expect(report).toMatchObject({ nodesAcked: 2, nodesMatched: 2, sessionsDelivered: 3 });
    await publisher.pushToRoom({ roomId: "club", content: "after" });
    await bob.message("after");
    await fence(publisher, ann);
    for (const client of ann) {
      expect(client.texts).toContain("last");
      expect(client.texts).not.toContain("after");
      const left = await client.frame("left");
      expect(left).toMatchObject({ room: "club" });
      expect(left).not.toHaveProperty("id");
    }
    expect((await publisher.getRoom("club")).sessions).toBe(1);
    const again = await publisher.leaveRoom("ann", "club");
    expect(again.report).toMatchObject({ nodesAcked: 2, nodesMatched: 0 });
  });

  test("commands are no pushes to the metrics", async () => {
    const before = await cluster.manager.metrics();
    await publisher.joinRoom("ann", "brief");
    await publisher.leaveRoom("ann", "brief");
    const after = await cluster.manager.metrics();
    for (const name of ["nodes", "delivered"]) {
      const metric = `push_manager_broadcast_${name}_total`;
      expect(after.sum(metric)).toBe(before.sum(metric));
    }
  });

  test("DisconnectUser closes the user's sessions with 4410, after what was pushed before", async () => {
    await publisher.pushToUser({ userId: "ann", content: "goodbye" });
    const { report } = await publisher.disconnectUser("ann");
    expect(report).toMatchObject({ nodesAcked: 2, nodesMatched: 2, sessionsDelivered: 3 });
    for (const client of ann) {
      expect((await client.closed).code).toBe(4410);
      expect(client.texts.at(-1)).toBe("goodbye");
    }
    expect((await publisher.getUser("ann")).sessions).toBe(0);
    expect((await zero.metrics()).value("connect_node_closes_total", { code: "4410" })).toBe(2);
    await fence(publisher, [bob]);
  });

  test("DisconnectUser closes with the code and reason that it was given", async () => {
    const eve = await stage.client(zero, { userId: "eve" });
    await publisher.disconnectUser("eve", 4999, "déjà vu");
    expect(await eve.closed).toEqual({ code: 4999, reason: "déjà vu" });
  });

  test("WAIT_NONE is answered with nodes_total only, and delivered all the same", async () => {
    const request = { roomId: "club", content: "not waited for", wait: Wait.WAIT_NONE };
    const { report, messageId } = await publisher.pushToRoom(request);
    expect(report).toEqual({
      nodesTotal: 2,
      nodesAcked: 0,
      nodesMatched: 0,
      sessionsDelivered: 0,
      sessionsLagging: 0,
      failures: [],
      nodesDuplicate: 0,
    });
    expect((await bob.message("not waited for")).id).toBe(messageId);
  });

  test("the metrics count what WAIT_NONE delivered, once it is acknowledged", async () => {
    const api = "BroadcastMessage";
    const delivered = async () =>
      (await cluster.manager.metrics()).value("push_manager_broadcast_delivered_total", { api });
    const before = await delivered();
    await publisher.broadcast({ content: "counted later", wait: Wait.WAIT_NONE });
    // Only node 1 has sessions.
    await until("the acknowledgement", async () => (await delivered()) === before + 1);
  });

  test("a caller's deadline bounds how long nodes are waited for, to 80 % of it, for that caller only", async () => {
    // The link begins its 3 s of silence now.
    await publisher.broadcast({ content: "before" });
    zero.process.freeze();
    let patient: Promise<Pushed>;
    try {
      const startedAtMs = performance.now();
      const { report } = await publisher.pushToRoom(
        { roomId: "club", content: "in time" },
        { deadlineMs: 1_500 },
      );
      expect(performance.now() - startedAtMs).toBeGreaterThan(1_000);
      expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 1, sessionsDelivered: 1 });
      expect(report.failures).toMatchObject([
        { nodeId: zero.nodeId, reason: FailureReason.FAILURE_REASON_DEADLINE },
      ]);
      // The node has missed that caller's deadline, not ACK_TIMEOUT_MS.
      patient = publisher.pushToRoom({ roomId: "club", content: "in its own time" });
      await bob.message("in its own time");
    } finally {
      zero.process.thaw();
    }
    expect((await patient).report).toMatchObject({ nodesAcked: 2, failures: [] });
  });

  test("counts say how many nodes answered when one does not", async () => {
    zero.process.freeze();
    try {
      expect(await publisher.getRoom("club")).toMatchObject({
        sessions: 1,
        nodesTotal: 2,
        nodesAnswered: 1,
        nodes: [{ nodeId: one.nodeId }],
      });
    } finally {
      zero.process.thaw();
    }
  });
});
