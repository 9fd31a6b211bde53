import { JSON_SUBPROTOCOL, PROTO_SUBPROTOCOL } from "@pushcast/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fence } from "../support/fence.ts";
import type { NodeClient } from "../support/manager-client.ts";
import { type Cluster, Stage } from "../support/stage.ts";
import type { TestClient } from "../support/ws-client.ts";

/** Sessions of four users on three nodes, named by user, node and rooms. */
const SESSIONS = [
  { name: "ann@0 red", node: 0, userId: "ann", rooms: ["red"], subprotocol: JSON_SUBPROTOCOL },
  { name: "ann@1 blue", node: 1, userId: "ann", rooms: ["blue"], subprotocol: PROTO_SUBPROTOCOL },
  { name: "ann@1", node: 1, userId: "ann", rooms: [], subprotocol: JSON_SUBPROTOCOL },
  { name: "bob@0 red", node: 0, userId: "bob", rooms: ["red"], subprotocol: PROTO_SUBPROTOCOL },
  {
    name: "bob@2 all",
    node: 2,
    userId: "bob",
    rooms: ["red", "blue", "green", "black", "white"],
    subprotocol: JSON_SUBPROTOCOL,
  },
  { name: "cat@0", node: 0, userId: "cat", rooms: [], subprotocol: JSON_SUBPROTOCOL },
  { name: "dan@1 red", node: 1, userId: "dan", rooms: ["red"], subprotocol: PROTO_SUBPROTOCOL },
] as const;

type Name = (typeof SESSIONS)[number]["name"];

const EVERYBODY: readonly Name[] = SESSIONS.map(({ name }) => name);

describe("a push reaches every session of its target, and nobody else", { timeout: 60_000 }, () => {
  const stage = new Stage();
  const clients = new Map<Name, TestClient>();
  const nodeClients: NodeClient[] = [];
  let cluster: Cluster;
  let contents = 0;

  beforeAll(async () => {
    cluster = await stage.cluster(3);
    for (const { name, node, userId, rooms, subprotocol } of SESSIONS) {
      const running = cluster.nodes[node];
      if (running === undefined) throw new Error(`there is no node ${node}`);
      const client = await stage.client(running, { userId, subprotocol });
      await client.joinAll(rooms);
      clients.set(name, client);
    }
    nodeClients.push(...cluster.nodes.map((node) => stage.nodeClient(node)));
  }, 60_000);

  afterAll(() => stage.close());

  /** The sessions that got what was pushed, once for each time. */
  async function reached(push: (content: string) => Promise<unknown>): Promise<Name[]> {
    contents += 1;
    const content = `push ${contents}`;
    await push(content);
    await fence(cluster.publisher, clients.values());
    return [...clients].flatMap(([name, client]) =>
      client.texts.filter((text) => text === content).map(() => name),
    );
  }

  test("PushToRoom reaches every session in the room, and nobody else", async () => {
    const { publisher } = cluster;
    expect(await reached((content) => publisher.pushToRoom({ roomId: "red", content }))).toEqual([
      "ann@0 red",
      "bob@0 red",
      "bob@2 all",
      "dan@1 red",
    ]);
    expect(await reached((content) => publisher.pushToRoom({ roomId: "blue", content }))).toEqual([
      "ann@1 blue",
      "bob@2 all",
    ]);
  });

  test("PushToRoom to a room with nobody in it reaches nobody", async () => {
    const { publisher } = cluster;
    const { report } = await publisher.pushToRoom({ roomId: "void", content: "nobody" });
    expect(report).toMatchObject({ nodesTotal: 3, nodesAcked: 3, nodesMatched: 0 });
    expect(await reached((content) => publisher.pushToRoom({ roomId: "void", content }))).toEqual(
      [],
    );
  });

  test("PushToUser reaches all sessions of the user on all nodes, and nobody else", async () => {
    const { publisher } = cluster;
    const ann = await reached((content) => publisher.pushToUser({ userId: "ann", content }));
    expect(ann).toEqual(["ann@0 red", "ann@1 blue", "ann@1"]);
    const nobody = await reached((content) => publisher.pushToUser({ userId: "eve", content }));
    expect(nobody).toEqual([]);
    const { report } = await publisher.pushToUser({ userId: "ann", content: "counted" });
    expect(report).toMatchObject({ nodesAcked: 3, nodesMatched: 2, sessionsDelivered: 3 });
  });

  test("PushToUser with a room reaches only the user's sessions in that room", async () => {
    const { publisher } = cluster;
    const push = (roomId: string) => (content: string) =>
      publisher.pushToUser({ userId: "ann", roomId, content });
    expect(await reached(push("blue"))).toEqual(["ann@1 blue"]);
    expect(await reached(push("green"))).toEqual([]);
    await publisher.pushToUser({ userId: "ann", roomId: "red", content: "only for ann in red" });
    const frame = await clients.get("ann@0 red")?.message("only for ann in red");
    expect(frame).toMatchObject({ target: "user", room: "red" });
  });

  test("BroadcastMessage reaches every session once: in no room, in one and in five", async () => {
    const { publisher } = cluster;
    expect(await reached((content) => publisher.broadcast({ content }))).toEqual(EVERYBODY);
    const { report } = await publisher.broadcast({ content: "counted" });
    expect(report).toMatchObject({ nodesMatched: 3, sessionsDelivered: SESSIONS.length });
    const frame = await clients.get("cat@0")?.message("counted");
    expect(frame).toMatchObject({ target: "all" });
    expect(frame).not.toHaveProperty("room");
  });

  test("excluded users get nothing, and count in no report", async () => {
    const { publisher } = cluster;
    const toRoom = (content: string) =>
      publisher.pushToRoom({ roomId: "red", content, excludeUserIds: ["ann", "dan", "nobody"] });
    expect(await reached(toRoom)).toEqual(["bob@0 red", "bob@2 all"]);
    expect((await toRoom("counted")).report).toMatchObject({
      nodesAcked: 3,
      nodesMatched: 2,
      sessionsDelivered: 2,
    });
    const toAll = (content: string) => publisher.broadcast({ content, excludeUserIds: ["ann"] });
    expect(await reached(toAll)).toEqual(EVERYBODY.filter((name) => !name.startsWith("ann")));
  });

  test("an ephemeral push reaches the same sessions", async () => {
    const { publisher } = cluster;
    const push = (content: string) =>
      publisher.pushToRoom({ roomId: "blue", content, ephemeral: true });
    expect(await reached(push)).toEqual(["ann@1 blue", "bob@2 all"]);
    await push("soon gone");
    expect(await clients.get("ann@1 blue")?.message("soon gone")).toHaveProperty("ephemeral", true);
  });

  test("PushMessageBatch at a node reaches its sessions by the same table", async () => {
    const [zero, one, two] = nodeClients;
    const at = (node: NodeClient | undefined, request: object) =>
      reached(async (content) => node?.pushMessageBatch({ ...request, content }));
    // user_ids empty, room_id set
    expect(await at(zero, { roomId: "red" })).toEqual(["ann@0 red", "bob@0 red"]);
    expect(await at(two, { roomId: "red" })).toEqual(["bob@2 all"]);
    // both empty
    expect(await at(zero, {})).toEqual(["ann@0 red", "bob@0 red", "cat@0"]);
    expect(await at(two, {})).toEqual(["bob@2 all"]);
    // user_ids set, room_id empty
    expect(await at(one, { userIds: ["ann", "dan", "eve"] })).toEqual([
      "ann@1 blue",
      "ann@1",
      "dan@1 red",
    ]);
    // both set
    expect(await at(one, { userIds: ["ann", "dan"], roomId: "blue" })).toEqual(["ann@1 blue"]);
    expect(await at(one, { userIds: ["cat"], roomId: "blue" })).toEqual([]);
    // a user who is listed twice, and excluded users
    expect(await at(one, { userIds: ["ann", "ann"] })).toEqual(["ann@1 blue", "ann@1"]);
    expect(await at(zero, { excludeUserIds: ["ann"] })).toEqual(["bob@0 red", "cat@0"]);
    expect(await at(zero, { roomId: "red", excludeUserIds: ["bob"] })).toEqual(["ann@0 red"]);
  });

  test("PushMessageBatch says what it matched, under an id that is no manager's", async () => {
    const [zero] = nodeClients;
    const request = { userIds: ["ann", "bob"], roomId: "red", content: "at the node" };
    const answer = await zero?.pushMessageBatch(request);
    expect(answer).toMatchObject({ matched: true, sessionsDelivered: 2, sessionsLagging: 0 });
    expect(answer?.messageId).toMatch(/^[0-9a-f]{16}-\d+$/);
    expect(answer?.messageId).not.toContain(cluster.manager.epoch);
    expect(await clients.get("bob@0 red")?.message("at the node")).toMatchObject({
      id: answer?.messageId,
      room: "red",
      target: "user",
      ephemeral: true,
    });
    expect(await zero?.pushMessageBatch({ roomId: "blue", content: "nobody" })).toMatchObject({
      matched: false,
      sessionsDelivered: 0,
    });
  });

  test("content of every type arrives as it was pushed, in both subprotocols", async () => {
    const json = '{ "caption": "Grüße", "n": [1, 2.50] }';
    const bytes = Buffer.from([0, 1, 2, 254, 255]);
    const members = [clients.get("ann@1 blue"), clients.get("bob@2 all")];
    const push = async (content: string | Buffer, contentType: string) => {
      const request = { roomId: "blue", content, contentType };
      const { messageId } = await cluster.publisher.pushToRoom(request);
      return await Promise.all(
        members.map((client) => client?.frame("message", ({ id }) => id === messageId)),
      );
    };
    for (const frame of await push("Grüße", "")) {
      expect(frame).toMatchObject({ contentType: "text/plain", content: Buffer.from("Grüße") });
    }
    for (const frame of await push(json, "application/json")) {
      expect(frame?.contentType).toBe("application/json");
      expect(JSON.parse(Buffer.from(frame?.content ?? []).toString())).toEqual(JSON.parse(json));
    }
    for (const frame of await push(bytes, "audio/ogg")) {
      expect(Buffer.from(frame?.content ?? [])).toEqual(bytes);
    }
  });
});
