import { describe, expect, it } from "vitest";
import { createRegistry } from "./create-registry.ts";
import { RegistryMemory } from "./memory-registry.ts";
import type { NodeRecord } from "./node-record.ts";

function node(nodeId: string): NodeRecord {
  return { nodeId, grpcAddress: "a:1", state: "starting", zone: "", version: "", startedAt: "" };
}

function setUp() {
  const memory = new RegistryMemory();
  const create = () => createRegistry({ kind: "memory", memory }, () => {});
  const seen: string[][] = [];
  const registry = create();
  const watch = registry.watch((nodes) => {
    seen.push([...nodes.values()].map(({ nodeId, state }) => `${nodeId} ${state}`));
  });
  /** Announcements are made before a promise of now is awaited. */
  const turn = () => Promise.resolve();
  return { create, registry, seen, watch, turn };
}

describe("the memory registry", () => {
  it("shows an empty set first, after watch has returned", async () => {
    const { seen, watch } = setUp();
    expect(seen).toEqual([]);
    await watch.synced;
    expect(seen).toEqual([[]]);
  });

  it("shows what others register, change and release", async () => {
    const { create, seen, watch, turn } = setUp();
    await watch.synced;
    const registration = create().register(node("a"));
    await registration.registered;
    await turn();
    await registration.update({ state: "ready" });
    await turn();
    await registration.release();
    await turn();
    expect(seen).toEqual([[], ["a starting"], ["a ready"], []]);
  });

  it("makes one announcement of the changes of one turn", async () => {
    const { create, seen, watch, turn } = setUp();
    await watch.synced;
    create().register(node("a"));
    create().register(node("b"));
    await turn();
    expect(seen).toEqual([[], ["a starting", "b starting"]]);
  });

  it("announces nothing when nothing changed", async () => {
    const { create, seen, watch, turn } = setUp();
    const registration = create().register(node("a"));
    await watch.synced;
    await registration.update({ state: "starting" });
    await turn();
    expect(seen).toHaveLength(1);
  });

  it("does not bring a released node back with an update", async () => {
    const { create, seen, watch, turn } = setUp();
    const registration = create().register(node("a"));
    await watch.synced;
    await registration.release();
    await registration.update({ state: "ready" });
    await turn();
    expect(seen.at(-1)).toEqual([]);
  });

  it("releases its own nodes and no others when closed", async () => {
    const { create, registry, seen, watch, turn } = setUp();
    const other = create();
    other.register(node("a"));
    registry.register(node("b"));
    await watch.synced;
    await other.close();
    await turn();
    expect(seen.at(-1)).toEqual(["b starting"]);
  });

  it("is silent once closed", async () => {
    const { create, registry, seen, watch, turn } = setUp();
    await watch.synced;
    await registry.close();
    create().register(node("a"));
    await turn();
    expect(seen).toEqual([[]]);
  });
});
