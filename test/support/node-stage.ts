import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type ConnectNodeReady,
  createConnectNode,
  nodeChecks,
  nodeSettings,
} from "@pushcast/connect-node";
import { createRegistry, type Registry, RegistryMemory } from "@pushcast/registry";
import { createLogger, ManualClock, requireSettings, type Service } from "@pushcast/runtime";
import { test } from "vitest";
import { type HandshakeAnswer, type HandshakeRequest, handshake } from "./handshake.ts";
import { NodeClient } from "./manager-client.ts";
import { type Metrics, scrape } from "./metrics.ts";
import { ScriptedManager } from "./scripted-manager.ts";
import { TestClient, type TestClientOptions } from "./ws-client.ts";

/**
 * A connect-node in this process, with real servers on loopback and a clock that stands still: no
 * heartbeat, hold or drain goes on before the test lets time pass.
 */
export class NodeStage {
  readonly clock = new ManualClock();
  readonly memory = new RegistryMemory();
  readonly #clients: TestClient[] = [];
  readonly #sockets: Socket[] = [];
  readonly #managers: ScriptedManager[] = [];
  readonly #nodeClients: NodeClient[] = [];
  #service: Service<ConnectNodeReady> | undefined;
  #ready: ConnectNodeReady | undefined;

  /** Resolves when all its ports listen. */
  async start(settings: Readonly<Record<string, string>> = {}, registry?: Registry): Promise<void> {
    const env = {
      AUTH_MODE: "none",
      REGISTRY: "memory",
      POD_NAME: "node-1",
      DRAIN_ACCEPT_SECONDS: "0",
      DRAIN_SECONDS: "0",
      ...Object.fromEntries(["WS", "GRPC", "OPS"].map((name) => [`${name}_HOST`, "127.0.0.1"])),
      ...Object.fromEntries(["WS", "GRPC", "OPS"].map((name) => [`${name}_PORT`, "0"])),
      ...settings,
    };
    this.#service = createConnectNode({
      settings: requireSettings(nodeSettings, env, nodeChecks),
      logger: createLogger({ service: "connect-node", level: "silent" }),
      registry: registry ?? createRegistry({ kind: "memory", memory: this.memory }, () => {}),
      clock: this.clock,
    });
    this.#ready = await this.#service.start();
  }

  get ready(): ConnectNodeReady {
    if (this.#ready === undefined) throw new Error("the node is not started");
    return this.#ready;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.ready.ports.ws}/ws`;
  }

  get opsUrl(): string {
    return `http://127.0.0.1:${this.ready.ports.ops}`;
  }

  get grpcAddress(): string {
    return `127.0.0.1:${this.ready.ports.grpc}`;
  }

  async client(options: TestClientOptions | string): Promise<TestClient> {
    const given = typeof options === "string" ? { userId: options } : options;
    const client = await TestClient.open(this.wsUrl, given);
    this.#clients.push(client);
    return client;
  }

  /** A manager whose stream the node has said hello on. */
  async manager(epoch: string): Promise<ScriptedManager> {
    const manager = await ScriptedManager.attach(this.grpcAddress, epoch);
    this.#managers.push(manager);
    return manager;
  }

  /** For PushMessageBatch. */
  nodeClient(): NodeClient {
    const client = new NodeClient(this.grpcAddress);
    this.#nodeClients.push(client);
    return client;
  }

  /** The answer to an upgrade request, a valid one but for what is given. */
  async handshake(given: HandshakeRequest = {}): Promise<HandshakeAnswer> {
    const answer = await handshake(this.ready.ports.ws, given);
    this.#sockets.push(answer.socket);
    return answer;
  }

  metrics(): Promise<Metrics> {
    return scrape(this.opsUrl);
  }

  /** Lets time pass in steps, with turns of the event loop between them. */
  async pass(ms: number, stepMs = 100): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - passed));
      await nextTurn();
    }
  }

  /** Stops the node, and lets the time pass that it takes. */
  async stopNode(): Promise<void> {
    let isStopped = false;
    const stopped = this.#service?.stop().finally(() => {
      isStopped = true;
    });
    this.#service = undefined;
    while (stopped !== undefined && !isStopped) await this.pass(1_000);
    await stopped;
  }

  /** Ends all of it. Fails if a client was sent what is no frame. */
  async close(): Promise<void> {
    const faults = this.#clients.flatMap((client) => client.faults);
    for (const client of this.#clients) client.terminate();
    for (const socket of this.#sockets) socket.destroy();
    for (const manager of this.#managers) manager.close();
    for (const client of this.#nodeClients) client.close();
    await this.stopNode();
    if (faults.length > 0) throw new Error(faults.join("\n"));
  }
}

/** A test with a stage of its own. */
export const it = test.extend<{ stage: NodeStage }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from the pattern.
  stage: async ({}, use) => {
    const stage = new NodeStage();
    await use(stage);
    await stage.close();
  },
});
