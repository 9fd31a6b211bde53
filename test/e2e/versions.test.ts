import { setTimeout as sleep } from "node:timers/promises";
import { connect, type WebSocketConstructor } from "@pushcast/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { ROOT } from "../repository/files.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import type { ManagerClient } from "../support/manager-client.ts";
import { buildCommit, findPreviousCommit, type OtherVersion } from "../support/previous-version.ts";
import type { RunningManager, RunningNode } from "../support/processes.ts";
import { Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";
import type { TestClient } from "../support/ws-client.ts";

const PUSH_EVERY_MS = 10;
/** A node recovers nobody before its log is older than this. */
const LAG_SECONDS = 0.1;
const NEW_LOG_MS = 1_000;
const NODE_SETTINGS = { LAG_SECONDS, WARM_SECONDS: 1 };

const { commit, missing } = findPreviousCommit(ROOT);

if (commit === undefined) {
  test.skip(`no earlier version is run beside this one: ${missing}`);
  console.warn(`test/e2e/versions.test.ts runs no earlier version beside this one: ${missing}`);
} else {
  describe(`this version and ${commit.slice(0, 9)}, the last one with other protos`, () => {
    let previous: OtherVersion;
    beforeAll(() => {
      previous = buildCommit(ROOT, commit);
      return () => previous.remove();
    }, 120_000);

    describe("this version's manager with the previous version's node", () => {
      testPair(
        () => ROOT,
        () => previous.folder,
      );
    });
    describe("the previous version's manager with this version's node", () => {
      testPair(
        () => previous.folder,
        () => ROOT,
      );
    });
    testRollingUpgrade(() => previous.folder);
  });
}

/** A client that keeps the client's rule, and all that it is told of one room. */
function roomListener(stage: Stage, url: () => string) {
  let gaps = 0;
  const client = connect({
    url,
    userId: "ann",
    WebSocket: WebSocket satisfies WebSocketConstructor,
    minDelayMs: 20,
    onGap: () => {
      gaps += 1;
    },
  });
  stage.atEnd(() => client.close());
  const texts: string[] = [];
  const room = client.room("room");
  room.on("message", ({ content }) => texts.push(String(content)));
  return {
    texts,
    get gaps() {
      return gaps;
    },
    /** Waits until it is in its room, on that node. */
    untilOpenOn: (nodeId: string) =>
      until(`open on ${nodeId}`, () => {
        const { state } = client;
        return state.state === "open" && state.nodeId === nodeId;
      }),
  };
}

type RoomListener = ReturnType<typeof roomListener>;

/**
 * Waits until it has had the last one. Nothing came twice or out of order; where no gap was said
 * nothing is missing.
 */
async function expectWhole(listener: RoomListener, all: readonly string[]): Promise<void> {
  const last = all.at(-1);
  await until(`message ${last}`, () => listener.texts.at(-1) === last);
  if (listener.gaps === 0) expect(listener.texts).toEqual(all);
  else expect(listener.texts).toEqual(all.filter((text) => listener.texts.includes(text)));
}

function testPair(managerRoot: () => string, nodeRoot: () => string): void {
  const stage = new Stage();
  let node: RunningNode;
  let manager: RunningManager;
  let publisher: ManagerClient;
  /** Between the manager and the node. */
  let linkProxy: FaultProxy;
  let bob: TestClient;

  beforeAll(async () => {
    node = await stage.node({ REGISTRY: "memory", POD_NAME: "node", ...NODE_SETTINGS }, nodeRoot());
    linkProxy = await stage.proxy(node.grpcPort);
    const found = { REGISTRY: "static", NODES: `127.0.0.1:${linkProxy.port}` };
    manager = await stage.manager(found, managerRoot());
    publisher = stage.publisher(manager);
    await publisher.untilLinked([node.nodeId]);
    bob = await stage.client(node, { userId: "bob" });
  }, 60_000);
  afterAll(() => stage.close());

  test("carry out commands, and deliver to a room, a user and everybody", async () => {
    const joined = await publisher.joinRoom("bob", "room");
    expect(joined.report).toMatchObject({ nodesAcked: 1, sessionsDelivered: 1, failures: [] });
    const pushes = [
      await publisher.pushToRoom({ roomId: "room", content: "for the room" }),
      await publisher.pushToUser({ userId: "bob", content: "for the user" }),
      await publisher.broadcast({ content: "for everybody" }),
    ];
    for (const { report } of pushes) {
      expect(report).toMatchObject({ nodesAcked: 1, nodesMatched: 1, sessionsDelivered: 1 });
      expect(report.failures).toEqual([]);
    }
    await bob.message("for everybody");
    expect(bob.texts).toEqual(["for the room", "for the user", "for everybody"]);
    expect(await publisher.getRoom("room")).toMatchObject({ sessions: 1, nodesAnswered: 1 });
    const { nodes } = await publisher.listNodes();
    expect(nodes).toMatchObject([{ nodeId: "node", link: "live", sessions: 1 }]);
    expect(nodes[0]?.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  test("lose and repeat nothing when their link is cut under pushes", async () => {
    const before = bob.messages.length;
    const pushing = new SteadyPushes(publisher, "room", PUSH_EVERY_MS);
    for (let cuts = 1; cuts <= 3; cuts += 1) {
      await bob.count(before + cuts * 20);
      linkProxy.cut();
      await publisher.untilLinked([node.nodeId]);
    }
    await bob.count(before + pushing.sent + 10);
    const all = await pushing.stop();
    await bob.count(before + all.length);
    expect(bob.texts.slice(before)).toEqual(all);
    expect(pushing.refused).toEqual([]);
    expect(bob.frames.filter(({ type }) => type === "gap")).toEqual([]);
  });

  test("replay to a client that lost its connection what it missed, or say the gap", async () => {
    const proxy = await stage.proxy(Number(new URL(node.wsUrl).port));
    const ann = roomListener(stage, () => `ws://127.0.0.1:${proxy.port}/ws`);
    await ann.untilOpenOn(node.nodeId);
    const pushing = new SteadyPushes(publisher, "room", PUSH_EVERY_MS);
    await until("20 messages", () => ann.texts.length >= 20);
    proxy.cut();
    const had = ann.texts.length;
    await until("messages after the cut", () => ann.texts.length >= had + 20);
    await expectWhole(ann, await pushing.stop());
    if (nodeRoot() === ROOT) expect(ann.gaps).toBe(0);
  });

  test("end in good order, the manager first", async () => {
    await publisher.pushToRoom({ roomId: "room", content: "the last one" });
    expect(await manager.process.stop()).toBe(0);
    await bob.message("the last one");
    expect(await node.process.stop()).toBe(0);
  });
}

function testRollingUpgrade(previousRoot: () => string): void {
  const stage = new Stage();
  afterAll(() => stage.close());

  test("are upgraded one by one, with an etcd and without a loss", {
    timeout: 60_000,
  }, async () => {
    const etcd = await stage.etcd();
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const [oldManager, oldNode] = await Promise.all([
      stage.manager(found, previousRoot()),
      stage.node({ ...found, ...NODE_SETTINGS, POD_NAME: "old-node" }, previousRoot()),
    ]);
    const oldPublisher = stage.publisher(oldManager);
    await oldPublisher.untilLinked(["old-node"]);
    let url = oldNode.wsUrl;
    const ann = roomListener(stage, () => url);
    await ann.untilOpenOn("old-node");
    await oldPublisher.pushToRoom({ roomId: "room", content: "before the upgrade" });

    const [newManager, newNode] = await Promise.all([
      stage.manager(found),
      stage.node({ ...found, ...NODE_SETTINGS, POD_NAME: "new-node" }),
    ]);
    const newPublisher = stage.publisher(newManager);
    const publishers = [oldPublisher, newPublisher];
    for (const publisher of publishers) await publisher.untilLinked(["old-node", "new-node"]);
    const bob = await stage.client(newNode, { userId: "bob" });
    await bob.join("room");
    // The new node began with an empty log: that must be older than the last that the client was told.
    await sleep(NEW_LOG_MS);
    const during = ["by the old manager", "by the new manager"];
    for (const [n, content] of during.entries()) {
      const { report } = (await publishers[n]?.pushToRoom({ roomId: "room", content })) ?? {};
      expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 2, sessionsDelivered: 2 });
    }
    await expectWhole(ann, ["before the upgrade", ...during]);

    url = newNode.wsUrl;
    expect(await oldNode.process.stop()).toBe(0);
    await ann.untilOpenOn("new-node");
    expect(ann.gaps).toBe(0);
    for (const publisher of publishers) await publisher.untilLinked(["new-node"]);
    await oldPublisher.pushToRoom({ roomId: "room", content: "its last one" });
    expect(await oldManager.process.stop()).toBe(0);
    await newPublisher.pushToRoom({ roomId: "room", content: "after the upgrade" });
    const all = ["before the upgrade", ...during, "its last one", "after the upgrade"];
    await expectWhole(ann, all);
    expect(ann.gaps).toBe(0);
    await bob.message("after the upgrade");
    expect(bob.texts).toEqual(all.slice(1));
  });
}
