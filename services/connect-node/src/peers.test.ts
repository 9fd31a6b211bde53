import { createRegistry, type NodeRecord, RegistryMemory } from "@pushcast/registry";
import { describe, expect, test } from "vitest";
import type { PeerConnection } from "./peer-connection.ts";
import { type Peer, Peers } from "./peers.ts";

class FakeConnection implements PeerConnection {
  readonly address: string;
  isClosed = false;

  constructor(address: string) {
    this.address = address;
  }

  async replicate(): Promise<void> {}

  close(): void {
    this.isClosed = true;
  }
}

async function setUp() {
  const memory = new RegistryMemory();
  const create = () => createRegistry({ kind: "memory", memory }, () => {});
  const connections: FakeConnection[] = [];
  const connect = (address: string) => {
    const connection = new FakeConnection(address);
    connections.push(connection);
    return connection;
  };
  const self = { nodeId: "self", grpcAddress: "self:1" };
  const peers = new Peers({ self, registry: create(), connect });
  await peers.known;
  const add = async (nodeId: string, changes: Partial<NodeRecord> = {}) => {
    const registration = create().register({
      nodeId,
      grpcAddress: `${nodeId}:1`,
      state: "ready",
      zone: "",
      version: "",
      startedAt: "",
      ...changes,
    });
    // The memory registry announces before a promise of now is awaited.
    await registration.registered;
    await Promise.resolve();
    return registration;
  };
  const readable = () => peers.readable().map(({ nodeId }) => nodeId);
  return { peers, connections, add, readable };
}

test("nobody is there until the registry says so", async () => {
  const { readable, add } = await setUp();
  expect(readable()).toEqual([]);
  await add("one");
  expect(readable()).toEqual(["one"]);
});

test("a node that starts cannot be read; those that drain come after those that are ready", async () => {
  const { readable, add } = await setUp();
  await add("starting", { state: "starting" });
  await add("draining", { state: "draining" });
  await add("one");
  await add("two");
  for (let time = 0; time < 20; time += 1) {
    expect(readable().at(-1)).toBe("draining");
    expect(readable().sort()).toEqual(["draining", "one", "two"]);
  }
});

test("the order is another each time, so that no peer is read by all that start", async () => {
  const { readable, add } = await setUp();
  for (const nodeId of ["one", "two", "three"]) await add(nodeId);
  const first = new Set<string | undefined>();
  for (let time = 0; time < 200; time += 1) first.add(readable()[0]);
  expect(first).toEqual(new Set(["one", "two", "three"]));
});

test.each([
  ["its id", { nodeId: "self" }],
  ["its address, by which a static list names it", { nodeId: "self:1", grpcAddress: "self:1" }],
])("a node is not its own peer: it knows itself by %s", async (_, { nodeId, ...changes }) => {
  const { readable, add } = await setUp();
  await add(nodeId, changes);
  expect(readable()).toEqual([]);
});

describe("a connection", () => {
  test("is made when a peer is read first, and kept", async () => {
    const { peers, connections, add } = await setUp();
    await add("one");
    expect(connections).toEqual([]);
    const [first, second] = [peers.readable(), peers.readable()];
    expect(first[0]?.connection).toBe(second[0]?.connection);
    expect(connections.map(({ address }) => address)).toEqual(["one:1"]);
  });

  test("that failed is closed, and the next read has a new one", async () => {
    const { peers, connections, add } = await setUp();
    await add("one");
    const [peer] = peers.readable();
    if (peer === undefined) throw new Error("no peer");
    peers.drop(peer);
    expect(connections[0]?.isClosed).toBe(true);
    peers.readable();
    // Dropped again, it takes nothing of the new one.
    peers.drop(peer);
    expect(peers.readable()[0]?.connection).toBe(connections[1]);
    expect(connections[1]?.isClosed).toBe(false);
  });

  test("is closed when its peer is gone, but not when it begins to drain", async () => {
    const { peers, connections, add } = await setUp();
    const registration = await add("one");
    const peer = peers.readable()[0] as Peer;
    expect(peers.has(peer)).toBe(true);
    await registration.update({ state: "draining" });
    await Promise.resolve();
    expect(connections[0]?.isClosed).toBe(false);
    await registration.release();
    await Promise.resolve();
    expect(connections[0]?.isClosed).toBe(true);
    expect(peers.readable()).toEqual([]);
    // One that was told of before is not read any more.
    expect(peers.has(peer)).toBe(false);
  });

  test("is closed with all others at the end, and none is made after it", async () => {
    const { peers, connections, add } = await setUp();
    await add("one");
    await add("two");
    peers.readable();
    peers.close();
    expect(peers.readable()).toEqual([]);
    expect(connections.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });
});
