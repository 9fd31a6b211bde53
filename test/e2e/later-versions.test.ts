import { setTimeout as sleep } from "node:timers/promises";
import { type Client, credentials, Metadata, type MethodDefinition, status } from "@grpc/grpc-js";
import {
  ConnectNodeServiceClient,
  ConnectNodeServiceService,
  PushManagerServiceClient,
  PushManagerServiceService,
  PushToRoomRequest,
  StreamPush,
} from "@pushcast/api";
import { describe, expect } from "vitest";
import { putKey } from "../support/etcd-keys.ts";
import { LATER_FIELDS, withLaterFields } from "../support/later-fields.ts";
import { ScriptedManager } from "../support/scripted-manager.ts";
import { ScriptedNode } from "../support/scripted-node.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

/** A manager that follows an etcd in which a node of a later version is registered. */
async function managerOfLaterNode(stage: Stage) {
  const etcd = await stage.etcd();
  const node = new ScriptedNode("later-node");
  node.script.laterFields = LATER_FIELDS;
  await node.start();
  stage.atEnd(() => node.stop());
  const { nodeId, grpcAddress } = node;
  const record = { nodeId, grpcAddress, state: "hibernating", weight: 3, labels: { tier: "b" } };
  await putKey(etcd.endpoint, `/pushcast/nodes/${nodeId}`, JSON.stringify(record));
  const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
  const manager = await stage.manager({ ...found, LOG_LEVEL: "info" });
  const publisher = stage.publisher(manager);
  await publisher.untilLinked([nodeId]);
  return { node, manager, publisher };
}

/** A call whose request has the fields of a later version. */
function callWithLaterFields<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
): Promise<Response> {
  const serialize = (message: Request) => withLaterFields(method.requestSerialize(message));
  const { path, responseDeserialize } = method;
  const deadline = Date.now() + 15_000;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      serialize,
      responseDeserialize,
      request,
      new Metadata(),
      { deadline },
      (error, response) => (response === undefined ? reject(error) : resolve(response)),
    );
  });
}

describe.concurrent("a manager", { timeout: 60_000 }, () => {
  it("pushes to a node whose record, state, hello, acknowledgements and counts know more", async ({
    stage,
  }) => {
    const { node, manager, publisher } = await managerOfLaterNode(stage);
    node.script.inspect = () => ({ sessions: 3, users: 2 });
    const { report } = await publisher.pushToRoom({ roomId: "room", content: "hello" });
    expect(report).toMatchObject({ nodesAcked: 1, nodesMatched: 1, sessionsDelivered: 1 });
    expect(await publisher.getRoom("room")).toMatchObject({ sessions: 3, nodesAnswered: 1 });
    const { nodes } = await publisher.listNodes();
    expect(nodes).toMatchObject([{ nodeId: node.nodeId, state: "hibernating", link: "live" }]);
    const metrics = await manager.metrics();
    expect(metrics.value("push_manager_nodes", { state: "hibernating" })).toBe(1);
  });

  it("says its version to a node, lists the node's and logs it", async ({ stage }) => {
    const { node, manager, publisher } = await managerOfLaterNode(stage);
    expect(node.hellos).toHaveLength(1);
    expect(node.hellos[0]?.version).toMatch(/^\d+\.\d+\.\d+/);
    expect((await publisher.listNodes()).nodes[0]?.version).toBe("scripted");
    const attached = () => manager.process.logLines.find(({ msg }) => msg === "link is live");
    await until("log line of the link", () => attached() !== undefined);
    expect(attached()).toMatchObject({ nodeId: node.nodeId, nodeVersion: "scripted" });
  });

  it("takes a push that knows more, and refuses one of a kind that it does not know", async ({
    stage,
  }) => {
    const { node, manager, publisher } = await managerOfLaterNode(stage);
    const client = new PushManagerServiceClient(manager.grpcAddress, credentials.createInsecure());
    stage.atEnd(() => client.close());
    const request = PushToRoomRequest.fromPartial({ roomId: "room", content: Buffer.from("1") });
    await callWithLaterFields(client, PushManagerServiceService.pushToRoom, request);
    expect(node.seqs).toEqual([1]);

    const known = { $case: "pushToRoom" as const, value: request };
    const pushes = [{ requestId: "of a later kind" }, { requestId: "known", push: known }];
    const results = await publisher.pushStream(pushes.map(StreamPush.fromPartial), 2);
    expect(results).toMatchObject([
      { requestId: "of a later kind", code: status.INVALID_ARGUMENT },
      { requestId: "known", code: status.OK },
    ]);
    expect(node.seqs).toEqual([1, 2]);
  });
});

const LAG_SECONDS = 0.1;

describe.concurrent("a node", { timeout: 60_000 }, () => {
  it("delivers, keeps and replays publications of a manager that knows more", async ({ stage }) => {
    const node = await stage.node({ REGISTRY: "memory", LAG_SECONDS, LOG_LEVEL: "info" });
    const epoch = "00000000000000aa";
    const manager = await ScriptedManager.attach(node.grpcAddress, epoch, {
      laterFields: LATER_FIELDS,
    });
    stage.atEnd(() => manager.close());
    const ann = await stage.client(node, { userId: "ann" });
    const { position } = await ann.join("room");

    const outcomes = await manager.push(
      { roomId: "room", content: "for the room" },
      { userIds: ["ann"], content: "for ann" },
      { content: "a command of a later kind", command: { kind: undefined } },
      { content: "for all" },
    );
    expect(outcomes).toMatchObject(
      [1n, 2n, 4n].map((seq) => ({ seq, sessionsDelivered: 1, duplicate: false })),
    );
    await ann.message("for all");
    expect(ann.texts).toEqual(["for the room", "for ann", "for all"]);

    // A younger log recovers nobody.
    await sleep(LAG_SECONDS * 1000 + 50);
    const again = await stage.client(node, { userId: "ann" });
    again.send({ type: "join", id: 1, room: "room", position, awayMs: 0 });
    expect(await again.frame("joined")).toMatchObject({ recovered: true });
    await again.message("for the room");

    const attached = () =>
      node.process.logLines.find(({ msg }) => msg === "a push-manager has attached");
    await until("log line of the manager", () => attached() !== undefined);
    expect(attached()).toMatchObject({ epoch, managerId: "scripted", managerVersion: "1.0.0" });
  });

  it("answers calls whose requests know more", async ({ stage }) => {
    const node = await stage.node({ REGISTRY: "memory" });
    const ann = await stage.client(node, { userId: "ann" });
    const client = new ConnectNodeServiceClient(node.grpcAddress, credentials.createInsecure());
    stage.atEnd(() => client.close());
    const { pushMessageBatch, inspect } = ConnectNodeServiceService;
    const batch = {
      userIds: ["ann"],
      roomId: "",
      content: Buffer.from("now"),
      contentType: "",
      excludeUserIds: [],
    };
    const pushed = await callWithLaterFields(client, pushMessageBatch, batch);
    expect(pushed).toMatchObject({ matched: true, sessionsDelivered: 1 });
    await ann.message("now");
    const counts = await callWithLaterFields(client, inspect, { roomId: "", userId: "ann" });
    expect(counts).toMatchObject({ sessions: 1, users: 1 });
  });
});
