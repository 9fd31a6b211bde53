import { resolveConfig } from "@pushcast/cdk8s";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestsOf } from "../../infra/cdk8s/test/support/manifests.ts";
import { LoopbackPods, portOf } from "../support/loopback-pods.ts";
import { ManagerClient } from "../support/manager-client.ts";
import { TestClient } from "../support/ws-client.ts";

/** With three members of etcd, so that they have to find each other. */
const MANIFESTS = manifestsOf(resolveConfig("dev", { etcd: { members: 3 } }));

describe("the processes that the manifests of dev describe", { timeout: 60_000 }, () => {
  const pods = new LoopbackPods(MANIFESTS);
  const clients: TestClient[] = [];
  let manager: ManagerClient | undefined;

  beforeAll(() => pods.start(), 60_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    manager?.close();
    await pods.close();
  });

  test("find each other through etcd, and deliver a push to clients of all nodes", async () => {
    const [managerPod] = pods.of("push-manager");
    if (managerPod === undefined) throw new Error("there is no push-manager");
    manager = new ManagerClient(`${managerPod.ip}:${portOf(managerPod, "grpc")}`);
    const nodes = pods.of("connect-node");
    for (const node of nodes) {
      const url = `ws://${node.ip}:${portOf(node, "ws")}/ws`;
      const client = await TestClient.open(url, { userId: "ann" });
      clients.push(client);
      await client.join("room-001");
    }
    await manager.untilLinked(nodes.map(({ name }) => name));

    const { report } = await manager.pushToRoom({ roomId: "room-001", content: "hello" });

    expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 2, nodesMatched: 2 });
    for (const client of clients) await client.message("hello");
  });

  test("register under the names and addresses of their pods", async () => {
    const { nodes = [] } = (await manager?.listNodes()) ?? {};
    const registered = nodes.map(({ nodeId, grpcAddress }) => [nodeId, grpcAddress]);

    expect(registered.sort()).toEqual(
      pods.of("connect-node").map((node) => [node.name, `${node.ip}:${portOf(node, "grpc")}`]),
    );
  });
});
