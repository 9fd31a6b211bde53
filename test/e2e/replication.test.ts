import { describe, expect } from "vitest";
import type { ManagerClient } from "../support/manager-client.ts";
import type { RunningNode, Settings } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const REATTACH_SECONDS = 0.5;
const LAG_SECONDS = 0.2;
const NODE = { LAG_SECONDS, REATTACH_SECONDS };

const numbers = (from: number, through: number) =>
  Array.from({ length: through - from + 1 }, (_, index) => `${from + index}`);

async function push(publisher: ManagerClient, from: number, through: number) {
  for (const content of numbers(from, through)) {
    await publisher.pushToRoom({ roomId: "room", content });
  }
}

/** Two nodes that find each other in etcd; the manager reaches the second one through a proxy. */
async function partitionable(stage: Stage, settings: Settings = {}) {
  const etcd = await stage.etcd();
  const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
  const nodes = await Promise.all([
    stage.node({ ...found, ...NODE, ...settings, POD_NAME: "first" }),
    stage.node({ ...found, ...NODE, ...settings, POD_NAME: "second" }),
  ]);
  const [first, second] = nodes as [RunningNode, RunningNode];
  const proxy = await stage.proxy(second.grpcPort);
  const manager = await stage.manager({
    REGISTRY: "static",
    NODES: `${first.grpcAddress},127.0.0.1:${proxy.port}`,
    ACK_TIMEOUT_MS: 200,
  });
  const publisher = stage.publisher(manager);
  await publisher.untilLinked(["first", "second"]);
  const [beside, behind] = await Promise.all([
    stage.client(first, { userId: "ann" }),
    stage.client(second, { userId: "bob" }),
  ]);
  await Promise.all([beside.join("room"), behind.join("room")]);
  return { first, second, proxy, manager, publisher, beside, behind };
}

describe.concurrent("reading a peer's log", { timeout: 60_000 }, () => {
  it("a node that becomes ready has what the others have", async ({ stage }) => {
    const { etcd, publisher, manager } = await stage.cluster(1, { node: NODE });
    await push(publisher, 1, 20);
    const node = await stage.node({ REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint, ...NODE });
    const client = await stage.client(node, { userId: "ann" });
    expect(await client.joinFrom("room", new Map([[manager.epoch, 5]]))).toMatchObject({
      recovered: true,
    });
    await push(publisher, 21, 25);
    await client.count(20);
    expect(client.texts).toEqual(numbers(6, 25));
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_copied_publications_total")).toBe(20);
    // Copies are not counted as received.
    expect(metrics.value("connect_node_push_received_total", { has_users: "true" })).toBe(5);
    expect(metrics.value("connect_node_push_received_total", { has_users: "false" })).toBe(0);
  });

  it("what a killed manager gave to some nodes comes to the others", async ({ stage }) => {
    const { proxy, manager, publisher, beside, behind } = await partitionable(stage);
    await push(publisher, 1, 3);
    await behind.count(3);
    proxy.pause("to-target");
    await push(publisher, 4, 8);
    await beside.count(8);
    await manager.process.stop("SIGKILL");
    proxy.cut();
    await behind.count(8);
    expect(behind.texts).toEqual(numbers(1, 8));
    expect(beside.texts).toEqual(numbers(1, 8));
    expect(behind.frames.filter(({ type }) => type === "gap")).toEqual([]);
  });

  it("a node that is cut off from the managers goes on by reading its peers", async ({ stage }) => {
    const { second, proxy, manager, publisher, behind } = await partitionable(stage);
    await push(publisher, 1, 3);
    await behind.count(3);
    await proxy.suspend();
    await publisher.joinRoom("bob", "by command");
    for (const through of [6, 9]) {
      await push(publisher, through - 2, through);
      await behind.count(through);
    }
    const isByCommand = ({ room }: { room: string }) => room === "by command";
    expect(behind.frames.some((frame) => frame.type === "joined" && isByCommand(frame))).toBe(
      false,
    );
    // Then its link comes back, and goes on after what the peer had.
    await proxy.resume();
    await publisher.untilLinked(["first", "second"]);
    await behind.frame("joined", isByCommand);
    await push(publisher, 10, 12);
    await behind.count(12);
    expect(behind.texts).toEqual(numbers(1, 12));
    expect(behind.frames.filter(({ type }) => type === "gap")).toEqual([]);
    const late = await stage.client(second, { userId: "cem" });
    expect(await late.joinFrom("room", new Map([[manager.epoch, 2]]))).toMatchObject({
      recovered: true,
    });
    await late.count(10);
    expect(late.texts).toEqual(numbers(3, 12));
  });

  it("a node that heard of nobody for as long as logs last tells its clients so", async ({
    stage,
  }) => {
    const { first, second, manager, publisher, beside, behind } = await partitionable(stage, {
      LOG_SECONDS: 3,
    });
    await push(publisher, 1, 3);
    await behind.count(3);
    expect(behind.frames.filter(({ type }) => type === "gap")).toEqual([]);
    second.process.freeze();
    await push(publisher, 4, 5);
    await beside.count(5);
    await manager.process.stop();
    await until("nobody has what it missed", async () => {
      return (await first.metrics()).value("connect_node_log_bytes") === 0;
    });
    second.process.thaw();
    await behind.frame("gap", ({ scope }) => scope === "all");
    expect(behind.texts).toEqual(numbers(1, 3));
    const joined = await behind.joinFrom("room", new Map([[manager.epoch, 3]]));
    expect(joined).toMatchObject({ recovered: false });
  });

  it("a node that starts alone, or whose peers are gone, is ready with an empty log", async ({
    stage,
  }) => {
    const { etcd, nodes, publisher, manager } = await stage.cluster(1, { node: NODE });
    await push(publisher, 1, 3);
    await (nodes[0] as RunningNode).process.stop("SIGKILL");
    const node = await stage.node({ REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint, ...NODE });
    const client = await stage.client(node, { userId: "ann" });
    await until("the manager is attached", async () => {
      return (await node.metrics()).value("connect_node_links") === 1;
    });
    // It has all that the manager's log has, but cannot know what was of managers before.
    const joined = await client.joinFrom("room", new Map([[manager.epoch, 1]]), 60_000);
    expect(joined).toMatchObject({ recovered: false });
  });
});
