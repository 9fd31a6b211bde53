import { createRegistry, type NodeRecord } from "@pushcast/registry";
import { startEtcd } from "../../support/etcd.ts";
import { deleteKey, putKey } from "../../support/etcd-keys.ts";
import { until } from "../../support/until.ts";
import { type FuzzTarget, must, type OpenTarget } from "../fuzz-target.ts";
import type { RandomInput } from "../random-input.ts";

const PREFIX = "/pushcast/nodes/";
const NODES = ["a", "b", "", "a/b", "é", "__proto__"];
const ADDRESSES = ["127.0.0.1:1", "[::1]:2", "a:0", "a:99999", ":1", "a b:1", "host"];
const STATES = ["starting", "ready", "draining", "later", ""];

/** What stands in an etcd under the keys of nodes, as a push-manager's registry sees it. */
export const registryValues: FuzzTarget = {
  name: "registry-values",
  share: 0.005,
  batch: 20,
  open: async (): Promise<OpenTarget> => {
    const etcd = await startEtcd();
    let seen: ReadonlyMap<string, NodeRecord> = new Map();
    const registry = createRegistry(
      { kind: "etcd", endpoints: [etcd.endpoint], registrationTtlS: 10 },
      () => {},
    );
    const watch = registry.watch((records) => {
      seen = records;
    });
    await watch.synced;
    let checks = 0;
    return {
      give: async (input) => {
        const key = PREFIX + input.pick(NODES);
        if (input.chance(0.1)) await deleteKey(etcd.endpoint, key);
        else await putKey(etcd.endpoint, key, value(input, key.slice(PREFIX.length)));
      },
      check: async () => {
        checks += 1;
        const nodeId = "witness";
        const witness = { nodeId, grpcAddress: "127.0.0.1:1", version: String(checks) };
        await putKey(etcd.endpoint, PREFIX + nodeId, JSON.stringify(witness));
        await until("the witness is seen", () => seen.get(nodeId)?.version === String(checks));
        for (const [id, record] of seen) {
          must(record.nodeId === id && NODES.concat(nodeId).includes(id), `a node ${id}`);
          must(/:\d+$/.test(record.grpcAddress), `the address ${record.grpcAddress}`);
        }
      },
      close: async () => {
        watch.close();
        await registry.close();
        await etcd.close();
      },
    };
  },
};

function value(input: RandomInput, nodeId: string): string {
  if (input.chance(0.1)) return JSON.stringify(input.json());
  const record: Record<string, unknown> = {
    nodeId: input.chance(0.9) ? nodeId : input.text(),
    grpcAddress: input.pick(ADDRESSES),
    state: input.pick(STATES),
    zone: input.text(),
    version: "1.0.0",
    startedAt: "2025-11-23T00:00:00.000Z",
  };
  for (const name of Object.keys(record)) if (input.chance(0.1)) record[name] = input.json();
  if (input.chance(0.05)) record.zone = "x".repeat(5_000);
  const text = JSON.stringify(record);
  return input.chance(0.3) ? input.mutated(Buffer.from(text)).toString("latin1") : text;
}
