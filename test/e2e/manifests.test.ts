import { resolveConfig } from "@pushcast/cdk8s";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestsOf } from "../../infra/cdk8s/test/support/manifests.ts";
import { getKey } from "../support/etcd-keys.ts";
import { LoopbackPods, portOf } from "../support/loopback-pods.ts";
import { ManagerClient } from "../support/manager-client.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";
import { TestClient } from "../support/ws-client.ts";

/** With three members of etcd, so that they have to find each other. */
const MANIFESTS = manifestsOf(resolveConfig("dev", { etcd: { members: 3 } }));
/** After etcd is back. */
const REGISTERED_WITHIN_MS = 5_000;

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

  test("push on while etcd, which has lost a volume, is started anew and empty", async () => {
    const [member] = pods.of("etcd");
    if (member === undefined || manager === undefined) throw new Error("a member is needed");
    const endpoint = `http://${member.ip}:${portOf(member, "client")}`;
    const pushing = new SteadyPushes(manager, "room-001", 50);

    expect(await pods.loseVolume(member.name)).toContain("has already been bootstrapped");
    await pods.startEtcdAnew();

    for (const { name } of pods.of("connect-node")) {
      const isRegistered = async () =>
        (await getKey(endpoint, `/pushcast/nodes/${name}`)) !== undefined;
      await until(`${name} has registered again`, isRegistered, REGISTERED_WITHIN_MS);
    }
    await pushing.stop();
    expect(pushing.refused).toEqual([]);
    for (const { report } of pushing.answered) {
      expect(report).toMatchObject({ nodesTotal: 2, nodesAcked: 2, nodesMatched: 2 });
    }
  });
});
