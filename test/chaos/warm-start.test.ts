import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import type { RunningNode, ServiceProcess } from "../support/processes.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import type { TestClient } from "../support/ws-client.ts";

const EPOCH = "000000000000000d";
const LAG_SECONDS = 0.2;
const NODE = { LAG_SECONDS, REATTACH_SECONDS: 0.2, WARM_SECONDS: 2 };

async function scriptedPeer(stage: Stage, headSeq: number): Promise<ScriptedPeer> {
  const peer = new ScriptedPeer(EPOCH, headSeq);
  await peer.start();
  stage.atEnd(() => peer.close());
  return peer;
}

/** Joins as a client that has seen nothing of the peer's epoch. */
function rejoin(client: TestClient, awayMs = 0) {
  return client.joinFrom("room", new Map(), awayMs);
}

function logged(process: ServiceProcess, msg: string) {
  return process.logLines.filter((line) => line.msg === msg);
}

describe("a node that starts", { timeout: 60_000 }, () => {
  it("goes on where a peer's answer broke off, and has all of it then", async ({ stage }) => {
    const peer = await scriptedPeer(stage, 5);
    peer.firstEndings = ["breaks off"];
    const node = await stage.node({ REGISTRY: "static", NODES: peer.grpcAddress, ...NODE });
    const client = await stage.client(node, { userId: "ann" });
    expect(await rejoin(client)).toMatchObject({ recovered: true });
    await client.count(5);
    expect(client.texts).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("is ready in time though its peer hangs in the middle, and says so", async ({ stage }) => {
    const peer = await scriptedPeer(stage, 5);
    peer.ending = "hangs";
    const node = await stage.node({ REGISTRY: "static", NODES: peer.grpcAddress, ...NODE });
    await node.warm();
    expect(
      logged(node.process, "WARM_SECONDS ended a step of the start").map(({ step }) => step),
    ).toEqual(["reading a peer's log", "reading the peers once more"]);
    // What came before it hung is there, but nobody is told that this is all.
    const client = await stage.client(node, { userId: "ann" });
    expect(await rejoin(client, 5_000)).toMatchObject({
      recovered: false,
      position: new Map([[EPOCH, 4]]),
    });
  });

  it("is ready in time though its peer is frozen", async ({ stage }) => {
    const { etcd, nodes } = await stage.cluster(1, {
      node: { ...NODE, REGISTRATION_TTL_S: 60 },
    });
    (nodes[0] as RunningNode).process.freeze();
    stage.atEnd(() => (nodes[0] as RunningNode).process.thaw());
    const node = await stage.node({ REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint, ...NODE });
    await node.warm();
    expect(logged(node.process, "a peer was not read")).toHaveLength(1);
  });

  it("takes a peer of a version that has no Replicate for none, and warns of it once", async ({
    stage,
  }) => {
    const peer = await scriptedPeer(stage, 5);
    peer.ending = "unimplemented";
    const node = await stage.node({ REGISTRY: "static", NODES: peer.grpcAddress, ...NODE });
    await node.warm();
    await until("some rounds", () => peer.requests.length >= 6);
    expect(logged(node.process, "a peer was not read")).toHaveLength(1);
  });

  it("does not read itself where a static list names it, too", async ({ stage }) => {
    const [port] = await freePorts(1);
    const node = await stage.node({
      REGISTRY: "static",
      NODES: `127.0.0.1:${port}`,
      GRPC_PORT: port,
      ...NODE,
    });
    await node.warm();
    // Some rounds.
    await sleep(10 * NODE.REATTACH_SECONDS * 1000);
    const metrics = await node.metrics();
    expect(metrics.sum("connect_node_peer_reads_total")).toBe(0);
  });

  it("is ready beside four others that start at the same time", async ({ stage }) => {
    const etcd = await stage.etcd();
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const nodes = await Promise.all(
      Array.from({ length: 5 }, () => stage.node({ ...found, ...NODE })),
    );
    await Promise.all(nodes.map((node) => node.warm()));
    for (const { process } of nodes) expect(process.logLines).toEqual([]);
  });

  it("counts no time in which etcd was away as the age of its log", async ({ stage }) => {
    const etcd = await stage.etcd();
    await etcd.stop();
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const node = await stage.node({ ...found, ...NODE });
    await sleep(5_000);
    expect((await fetch(`${node.opsUrl}/readyz`)).status).toBe(503);
    const etcdAtMs = performance.now();
    await etcd.start();
    const client = await stage.client(node, { userId: "ann" });
    // It went away while etcd was away, though the process was there.
    const awayMs = Math.round(performance.now() - etcdAtMs) + 3_000;
    expect(await rejoin(client, awayMs)).toMatchObject({ recovered: false });
  });

  it("ends at once, with 0, when it is told to while it reads a peer", async ({ stage }) => {
    const peer = await scriptedPeer(stage, 5);
    peer.ending = "hangs";
    const node = await stage.node({
      REGISTRY: "static",
      NODES: peer.grpcAddress,
      ...NODE,
      WARM_SECONDS: 60,
    });
    await until("the peer is read", () => peer.requests.length > 0);
    const startedAtMs = performance.now();
    expect(await node.process.stop()).toBe(0);
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  });
});
