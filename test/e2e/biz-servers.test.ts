import dns from "node:dns";
import { createPushClient } from "@pushcast/api";
import { describe, onTestFinished, vi } from "vitest";
import type { RunningManager } from "../support/processes.ts";
import { it } from "../support/stage.ts";
import { until } from "../support/until.ts";

const HEADLESS_SERVICE = "push-manager-headless.pushcast.svc.cluster.local";
const GRPC_PORT = 50_051;
/** Of this process, so that two runs of the tests do not meet. */
const NETWORK = `127.${(process.pid >> 8) & 255}.${process.pid & 255}`;

/** Plays the cluster's DNS, which gives the addresses of all pods that are ready. */
function nameLeadsTo(addresses: readonly string[]): void {
  const lookup = vi.spyOn(dns.promises, "lookup") as unknown as {
    mockImplementation(answer: (name: string) => Promise<dns.LookupAddress[]>): unknown;
    mockRestore(): void;
  };
  lookup.mockImplementation(async (name) => {
    if (name !== HEADLESS_SERVICE) throw new Error(`nobody should ask for ${name}`);
    return addresses.map((address) => ({ address, family: 4 }));
  });
  onTestFinished(() => lookup.mockRestore());
}

async function pushesOf(manager: RunningManager): Promise<number> {
  return (await manager.metrics()).sum("push_manager_pushes_total", { code: "OK" });
}

describe("biz-servers that balance by round_robin over a headless Service", () => {
  it("find a push-manager that is added when their connections get old, and no push fails", async ({
    stage,
  }) => {
    const etcd = await stage.etcd();
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    await stage.node(found);
    const addresses: string[] = [];
    nameLeadsTo(addresses);
    const addManager = async () => {
      const GRPC_HOST = `${NETWORK}.${10 + addresses.length}`;
      const settings = { GRPC_HOST, GRPC_PORT, GRPC_MAX_CONNECTION_SECONDS: 0.5 };
      const manager = await stage.manager({ ...found, ...settings });
      await until("it knows the node", async () => {
        return (await manager.metrics()).sum("push_manager_links", { state: "live" }) === 1;
      });
      addresses.push(GRPC_HOST);
      return manager;
    };
    const first = await addManager();
    const client = createPushClient({ address: `dns:///${HEADLESS_SERVICE}:${GRPC_PORT}` });
    stage.atEnd(() => client.close());
    await client.pushToRoom("room", "hello", { maxAttempts: 1 });

    const second = await addManager();
    await until("the second is found", async () => {
      await client.pushToRoom("room", "hello", { maxAttempts: 1 });
      return (await pushesOf(second)) > 0;
    });

    const before = await pushesOf(first);
    await until("both are used", async () => {
      await client.pushToRoom("room", "hello", { maxAttempts: 1 });
      return (await pushesOf(first)) > before;
    });
  });
});
