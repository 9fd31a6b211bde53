import { once } from "node:events";
import { credentials, type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  type DeliveryReport,
  FailureReason,
  PushManagerServiceClient,
  type PushStreamRequest,
  type PushStreamResponse,
  type PushToRoomRequest,
  type PushToRoomResponse,
  type StreamResult,
  Wait,
} from "@pushcast/api";
import {
  createPushManager,
  type PushManagerReady,
  type PushManagerSettings,
  pushManagerChecks,
  pushManagerSettings,
} from "@pushcast/push-manager";
import { createRegistry, RegistryMemory } from "@pushcast/registry";
import { createLogger, requireSettings, type Service } from "@pushcast/runtime";
import { Registry as MetricsRegistry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import { ScriptedNode } from "../support/scripted-node.ts";

/** A push-manager in this process, with a client to it and scripted nodes. */
class Stage {
  readonly memory = new RegistryMemory();
  readonly metrics = new MetricsRegistry();
  readonly #nodes: ScriptedNode[] = [];
  readonly #manager: Service<PushManagerReady>;
  client!: PushManagerServiceClient;
  ready!: PushManagerReady;

  constructor(env: Record<string, string>) {
    const settings: PushManagerSettings = requireSettings(
      pushManagerSettings,
      {
        REGISTRY: "memory",
        GRPC_HOST: "127.0.0.1",
        OPS_HOST: "127.0.0.1",
        GRPC_PORT: "0",
        OPS_PORT: "0",
        LOG_LEVEL: "silent",
        ACK_TIMEOUT_MS: "10000",
        ...env,
      },
      pushManagerChecks,
    );
    this.#manager = createPushManager(settings, {
      registry: createRegistry({ kind: "memory", memory: this.memory }, () => {}),
      logger: createLogger({ service: "push-manager", level: "silent" }),
      metrics: this.metrics,
    });
  }

  static async start(env: Record<string, string> = {}): Promise<Stage> {
    const stage = new Stage(env);
    stage.ready = await stage.#manager.start();
    stage.client = new PushManagerServiceClient(
      `127.0.0.1:${stage.ready.ports.grpc}`,
      credentials.createInsecure(),
    );
    stages.push(stage);
    return stage;
  }

  /** A node that is registered and has its link. */
  async node(nodeId: string): Promise<ScriptedNode> {
    const node = new ScriptedNode(nodeId);
    await node.start();
    this.#nodes.push(node);
    this.register(node);
    await this.untilLink(nodeId, "live");
    return node;
  }

  register(node: ScriptedNode): void {
    this.memory.set({
      nodeId: node.nodeId,
      grpcAddress: node.grpcAddress,
      state: "ready",
      zone: "zone-a",
      version: "1.2.3",
      startedAt: "2025-01-01T00:00:00.000Z",
    });
  }

  /** Asks again and again until the link is in that state; undefined: the node is not known. */
  async untilLink(nodeId: string, link: string | undefined): Promise<void> {
    for (;;) {
      const { nodes } = await this.listNodes();
      if (nodes.find((node) => node.nodeId === nodeId)?.link === link) return;
    }
  }

  listNodes() {
    return call((done) => this.client.listNodes({}, { deadline: Date.now() + 100 }, done));
  }

  push(push: Partial<PushToRoomRequest> = {}, timeoutMs = 20_000): Promise<PushToRoomResponse> {
    return call((done) =>
      this.client.pushToRoom(roomPush(push), { deadline: Date.now() + timeoutMs }, done),
    );
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const found = await this.metrics.getSingleMetric(name)?.get();
    return found?.values.find(({ labels: has }) =>
      Object.entries(labels).every(([label, value]) => has[label] === value),
    )?.value;
  }

  stopManager(): Promise<void> {
    return this.#manager.stop();
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.stopManager();
    for (const node of this.#nodes) node.stop();
  }
}

const stages: Stage[] = [];

afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.stop();
});

// grpc-js takes options in the place of metadata, which the generated types do not say.
function call<Response>(
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

function roomPush(push: Partial<PushToRoomRequest> = {}): PushToRoomRequest {
  return {
    roomId: "room-001",
    content: Buffer.from("hello"),
    contentType: "",
    idempotencyKey: "",
    excludeUserIds: [],
    ephemeral: false,
    wait: Wait.WAIT_UNSPECIFIED,
    ...push,
  };
}

test("smoke", async () => {
  const stage = await Stage.start();
  const node = await stage.node("node-1");
  const answer = await stage.push();
  expect(answer.messageId).toBe(`${stage.ready.epoch}-1`);
  expect(answer.report).toMatchObject({ nodesTotal: 1, nodesAcked: 1, nodesMatched: 1 });
  expect(node.seqs).toEqual([1]);
});
