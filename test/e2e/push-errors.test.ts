import { status } from "@grpc/grpc-js";
import type { PushToRoomRequest, Wait } from "@pushcast/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Given,
  type ManagerClient,
  type NodeClient,
  refusal,
} from "../support/manager-client.ts";
import { type Cluster, Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import type { TestClient } from "../support/ws-client.ts";

const MAX_CONTENT_BYTES = 1_000;

describe("a push that is refused", { timeout: 60_000 }, () => {
  const stage = new Stage();
  let cluster: Cluster;
  let publisher: ManagerClient;
  let node: NodeClient;
  let client: TestClient;

  beforeAll(async () => {
    const settings = { MAX_CONTENT_BYTES };
    cluster = await stage.cluster(1, { node: settings, manager: settings });
    publisher = cluster.publisher;
    const [running] = cluster.nodes;
    if (running === undefined) throw new Error("a node is needed");
    node = stage.nodeClient(running);
    client = await stage.client(running, { userId: "ann" });
    await client.join("room");
  }, 60_000);

  afterAll(() => stage.close());

  const BAD_IDS = [
    ["empty", ""],
    ["longer than 256 bytes", "r".repeat(300)],
    ["longer than 256 bytes in UTF-8", "ü".repeat(129)],
    ["with a line feed", "two\nlines"],
    ["with a C1 control character", "room\u0085"],
  ] as const;

  test.for(BAD_IDS)("has a room id %s", async ([, roomId]) => {
    expect(await refusal(publisher.pushToRoom({ roomId, content: "x" }))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      pushcastCode: "ROOM_INVALID",
    });
  });

  test.for(BAD_IDS)("has a user id %s", async ([, userId]) => {
    expect(await refusal(publisher.pushToUser({ userId, content: "x" }))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      pushcastCode: "USER_INVALID",
    });
  });

  test("takes an id of exactly 256 bytes", async () => {
    const { report } = await publisher.pushToRoom({ roomId: "r".repeat(256), content: "x" });
    expect(report.nodesAcked).toBe(1);
  });

  const BAD_CONTENTS: [string, { content: Buffer | string; contentType: string }][] = [
    ["JSON that does not parse", { content: "{", contentType: "application/json" }],
    ["no JSON at all", { content: "", contentType: "application/problem+json; charset=utf-8" }],
    [
      "JSON that is not UTF-8",
      { content: Buffer.from([0x22, 0xff, 0x22]), contentType: "a/b+JSON" },
    ],
    ["text that is not UTF-8", { content: Buffer.from([0xc3, 0x28]), contentType: "text/plain" }],
    ["text by default that is not UTF-8", { content: Buffer.from([0xff]), contentType: "" }],
  ];

  test.for(BAD_CONTENTS)("has content that is not its type: %s", async ([, given]) => {
    const expected = { code: status.INVALID_ARGUMENT, pushcastCode: "CONTENT_INVALID" };
    expect(await refusal(publisher.pushToRoom({ roomId: "room", ...given }))).toMatchObject(
      expected,
    );
    expect(await refusal(node.pushMessageBatch(given))).toMatchObject(expected);
  });

  test("has content over the limit", async () => {
    const push = (bytes: number) => ({ roomId: "room", content: "x".repeat(bytes) });
    const expected = { code: status.RESOURCE_EXHAUSTED, pushcastCode: "CONTENT_TOO_LARGE" };
    const tooLong = push(MAX_CONTENT_BYTES + 1);
    expect(await refusal(publisher.pushToRoom(tooLong))).toMatchObject(expected);
    expect(await refusal(publisher.broadcast(tooLong))).toMatchObject(expected);
    expect(await refusal(node.pushMessageBatch(tooLong))).toMatchObject(expected);
    await publisher.pushToRoom(push(MAX_CONTENT_BYTES));
    await client.message("x".repeat(MAX_CONTENT_BYTES));
  });

  const OUT_OF_BOUNDS: [string, Given<PushToRoomRequest>, string][] = [
    [
      "an idempotency key of 129 bytes",
      { idempotencyKey: "k".repeat(129) },
      "IDEMPOTENCY_KEY_TOO_LONG",
    ],
    [
      "a content type of 128 bytes",
      { contentType: `text/${"x".repeat(123)}` },
      "CONTENT_TYPE_INVALID",
    ],
    ["1,001 excluded users", { excludeUserIds: Array(1_001).fill("u") }, "TOO_MANY_EXCLUDED"],
    ["an excluded user without an id", { excludeUserIds: [""] }, "USER_INVALID"],
    ["an unknown wait", { wait: 7 as Wait }, "WAIT_INVALID"],
  ];

  test.for(OUT_OF_BOUNDS)("has %s", async ([, given, pushcastCode]) => {
    const call = publisher.pushToRoom({ roomId: "room", content: "x", ...given });
    expect(await refusal(call)).toMatchObject({ code: status.INVALID_ARGUMENT, pushcastCode });
  });

  test("has more than 10,000 users at a node", async () => {
    const call = node.pushMessageBatch({ userIds: Array(10_001).fill("u"), content: "x" });
    expect(await refusal(call)).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("closes with a code that is none", async () => {
    for (const code of [1, 1000, 3999, 5000]) {
      expect(await refusal(publisher.disconnectUser("ann", code))).toMatchObject({
        code: status.INVALID_ARGUMENT,
      });
    }
    expect(await refusal(publisher.disconnectUser("ann", 0, "r".repeat(124)))).toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  test("is appended nowhere and counted under its code", async () => {
    const before = await cluster.manager.metrics();
    const { messageId } = await publisher.pushToRoom({ roomId: "room", content: "before" });
    await refusal(publisher.pushToRoom({ roomId: "", content: "refused" }));
    const next = await publisher.pushToRoom({ roomId: "room", content: "after" });
    expect(seqOf(next.messageId)).toBe(seqOf(messageId) + 1);
    await client.message("after");
    expect(client.texts.slice(-2)).toEqual(["before", "after"]);
    const after = await cluster.manager.metrics();
    const refused = (metrics: typeof after) =>
      metrics.sum("push_manager_pushes_total", { api: "PushToRoom", code: "INVALID_ARGUMENT" });
    expect(refused(after)).toBe(refused(before) + 1);
  });

  test("finds no node at all, and is appended nowhere", async () => {
    const { etcd, manager, publisher: lonely } = await stage.cluster(0);
    // With the first list of nodes, which is empty.
    await until("the manager is ready", async () => {
      return (await fetch(`${manager.opsUrl}/readyz`)).status === 200;
    });
    const expected = { code: status.UNAVAILABLE, pushcastCode: "NO_NODES" };
    expect(await refusal(lonely.pushToRoom({ roomId: "room", content: "x" }))).toMatchObject(
      expected,
    );
    expect(await refusal(lonely.broadcast({ content: "x" }))).toMatchObject(expected);
    expect(await refusal(lonely.joinRoom("ann", "room"))).toMatchObject(expected);
    const first = await stage.node({ REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint });
    await lonely.untilLinked([first.nodeId]);
    const { messageId } = await lonely.pushToRoom({ roomId: "room", content: "x" });
    expect(messageId).toBe(`${manager.epoch}-1`);
  });
});

function seqOf(messageId: string): number {
  return Number(messageId.split("-")[1]);
}
