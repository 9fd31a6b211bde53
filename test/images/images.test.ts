import { VERSION } from "@pushcast/runtime";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { DELETION_COST, FakeNode } from "../../infra/deploy/test/fake-node.ts";
import { Stage as ClusterStage } from "../../infra/deploy/test/stage.ts";
import { PROGRAMS, type ProgramName } from "../../infra/images/src/bundle.ts";
import { ManagerClient } from "../support/manager-client.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { TestClient } from "../support/ws-client.ts";
import { Container, type ContainerOptions, type ReadyLine } from "./container.ts";
import { Images } from "./images.ts";

/** As the images run in production. */
const BELIEVING = {
  AUTH_MODE: "none",
  AUTH_NONE_IN_PRODUCTION: "i-know-that-anybody-can-be-anybody",
};

let images: Images;

beforeAll(async () => {
  images = await Images.build();
});

afterAll(() => images?.remove());

function start(stage: Stage, program: ProgramName, options: ContainerOptions): Container {
  const container = new Container(images, program, options);
  stage.atEnd(() => container.remove());
  return container;
}

describe.each(PROGRAMS)("the image of %s", (program) => {
  it("runs Node as another user than root, given by number, without a shell", async () => {
    const { User, Entrypoint, Env } = await images.configOf(program);
    expect(User).toBe("1000:1000");
    expect(Entrypoint).toEqual(["node", "/app/main.js"]);
    expect(Env).toContain("NODE_ENV=production");
  });

  it("says what it is", async () => {
    const { Labels } = await images.configOf(program);
    expect(Labels).toMatchObject({
      "org.opencontainers.image.title": `Pushcast ${program}`,
      "org.opencontainers.image.licenses": "Apache-2.0",
      "org.opencontainers.image.version": VERSION,
    });
  });

  it("ends with 78 where settings are wrong, and names them", async ({ stage }) => {
    const container = start(stage, program, { settings: { OPS_PORT: "many" }, network: "none" });
    const { code, stderr } = await container.exited;
    expect(code).toBe(78);
    const { msg, errors } = JSON.parse(stderr);
    expect(msg).toBe("invalid settings");
    expect(errors).toContainEqual({
      setting: "OPS_PORT",
      problem: expect.stringContaining("must be"),
    });
  });
});

it.for<ProgramName>(["push-manager", "connect-node"])(
  "a %s listens on the ports that its image exposes",
  async (service, { stage }) => {
    const settings = { REGISTRY: "memory", ...BELIEVING };
    const { ports } = await start(stage, service, { settings, network: "none" }).ready();
    const { ExposedPorts } = await images.configOf(service);
    const listening = Object.values(ports).map((port) => `${port}/tcp`);
    expect(listening.sort()).toEqual(Object.keys(ExposedPorts).sort());
  },
);

describe("containers without capabilities, on a file system that cannot be written", () => {
  it("bring a push from the manager's to a client on the node's, and end with 0 on SIGTERM", async ({
    stage,
  }) => {
    const etcd = await stage.etcd();
    const shared = { ETCD_ENDPOINTS: etcd.endpoint, GRPC_PORT: 0, OPS_PORT: 0 };
    const manager = start(stage, "push-manager", {
      settings: { ...shared, ACK_TIMEOUT_MS: 5_000 },
    });
    const node = start(stage, "connect-node", {
      settings: {
        ...shared,
        ...BELIEVING,
        POD_NAME: "node-1",
        WS_PORT: 0,
        DRAIN_ACCEPT_SECONDS: 0,
        DRAIN_SECONDS: 1,
      },
    });
    const [managerLine, nodeLine] = await Promise.all([manager.ready(), node.ready()]);
    const publisher = new ManagerClient(`127.0.0.1:${managerLine.ports.grpc}`);
    stage.atEnd(() => publisher.close());
    await publisher.untilLinked(["node-1"]);
    await until("the node is ready", () => isReady(nodeLine));
    const client = await TestClient.open(`ws://127.0.0.1:${nodeLine.ports.ws}/ws`, {
      userId: "ann",
    });
    stage.atEnd(() => client.terminate());
    await client.join("room");

    const { report } = await publisher.pushToRoom({ roomId: "room", content: "to all" });
    expect(report).toMatchObject({ nodesAcked: 1, sessionsDelivered: 1, failures: [] });
    await client.message("to all");
    for (const container of [manager, node]) await expectRestricted(container);

    const [nodeExit, closed] = await Promise.all([node.stop(), client.closed]);
    expect(nodeExit.code).toBe(0);
    expect(await client.frame("reconnect")).toMatchObject({ reason: "drain" });
    expect(closed.code).toBe(1012);
    expect((await manager.stop()).code).toBe(0);
    expect(client.faults).toEqual([]);
  });

  it("write deletion costs at the API server of a kubeconfig, and end with 0 on SIGTERM", async ({
    stage,
  }) => {
    const cluster = await ClusterStage.open();
    stage.atEnd(() => cluster.close());
    const node = await FakeNode.start("node-1", 10_000);
    stage.atEnd(() => node.close());
    node.put(cluster.server);
    const pod = "/api/v1/namespaces/pushcast/pods/node-1";

    const container = start(stage, "deletion-cost", {
      settings: { KUBECONFIG: "/kubeconfig", OPS_PORT: 0 },
      files: { "/kubeconfig": cluster.kubeconfig },
    });
    await container.ready();
    await until("the cost is written", () => cluster.server.pathsOf("PATCH").includes(pod));
    expect(cluster.server.objects.get(pod)?.metadata.annotations).toEqual({
      [DELETION_COST]: "13",
    });
    await expectRestricted(container);
    const { code, stderr } = await container.stop();
    expect(code).toBe(0);
    const messages = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(["elected", "deletion cost written", "not the elected one any more"]);
  });
});

it("a connect-node does not believe clients who say who they are, unless the danger is named", async ({
  stage,
}) => {
  const settings = { REGISTRY: "memory", AUTH_MODE: "none" };
  const { code, stderr } = await start(stage, "connect-node", { settings, network: "none" }).exited;
  expect(code).toBe(78);
  expect(JSON.parse(stderr).errors).toEqual([
    { setting: "AUTH_MODE", problem: expect.stringContaining("NODE_ENV=production") },
  ]);
});

it("a deletion-cost without credentials says so, and ends with 1", async ({ stage }) => {
  const { code, stderr } = await start(stage, "deletion-cost", { network: "none" }).exited;
  expect(code).toBe(1);
  const { msg, err } = JSON.parse(stderr);
  expect(msg).toBe("cannot start");
  expect(err.message).toMatch(/^there is no kubeconfig/);
});

async function isReady({ ports }: ReadyLine): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${ports.ops}/readyz`)).ok;
}

async function expectRestricted(container: Container): Promise<void> {
  expect(await rightsOf(container)).toEqual({ user: "1000", capabilities: 0n, mayGain: false });
  expect(await container.evaluate(WRITE)).toBe("EROFS");
}

/** What the program's process, which is the container's first, may do. */
async function rightsOf(
  container: Container,
): Promise<{ user: string | undefined; capabilities: bigint; mayGain: boolean }> {
  const status = await container.evaluate('console.log(fs.readFileSync("/proc/1/status", "utf8"))');
  const [, user] = /^Uid:\s+(\d+)/m.exec(status) ?? [];
  const [, capabilities] = /^CapEff:\s+(\w+)/m.exec(status) ?? [];
  return {
    user,
    capabilities: BigInt(`0x${capabilities}`),
    mayGain: !/^NoNewPrivs:\s+1$/m.test(status),
  };
}

const WRITE = `try { fs.writeFileSync("/app/main.js", ""); } catch (error) { console.log(error.code); }`;
