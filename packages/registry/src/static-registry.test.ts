import { describe, expect, it } from "vitest";
import { createRegistry } from "./create-registry.ts";
import type { NodeRecord } from "./node-record.ts";
import { RegistryOptionsError } from "./registry-options-error.ts";

function registryOf(addresses: string[]) {
  return createRegistry({ kind: "static", addresses }, () => {});
}

describe("the static registry", () => {
  it("shows the listed nodes as ready, by their addresses, after watch has returned", async () => {
    const seen: ReadonlyMap<string, NodeRecord>[] = [];
    const registry = registryOf(["10.0.0.1:50052", "[::1]:50053"]);
    const watch = registry.watch((nodes) => seen.push(nodes));
    expect(seen).toEqual([]);
    await watch.synced;
    expect(seen).toHaveLength(1);
    expect([...(seen[0] ?? [])].map(([id, node]) => [id, node.grpcAddress, node.state])).toEqual([
      ["10.0.0.1:50052", "10.0.0.1:50052", "ready"],
      ["[::1]:50053", "[::1]:50053", "ready"],
    ]);
  });

  it("does not call a watch that was closed at once", async () => {
    const registry = registryOf(["a:1"]);
    let calls = 0;
    registry.watch(() => {
      calls += 1;
    });
    await registry.close();
    await registry.watch(() => {}).synced;
    expect(calls).toBe(0);
  });

  it("takes a registration and does nothing", async () => {
    const registry = registryOf(["a:1"]);
    const registration = registry.register({
      nodeId: "x",
      grpcAddress: "x:1",
      state: "ready",
      zone: "",
      version: "",
      startedAt: "",
    });
    await registration.registered;
    await registration.update({ state: "draining" });
    await registration.release();
    let ids: string[] = [];
    await registry.watch((nodes) => {
      ids = [...nodes.keys()];
    }).synced;
    expect(ids).toEqual(["a:1"]);
  });

  it.for(["", "host", "host:", "host:port", "http://host:1", "a b:1", "::1:5"])(
    "refuses the address %j",
    (address) => {
      expect(() => registryOf([address])).toThrow(RegistryOptionsError);
    },
  );
});
