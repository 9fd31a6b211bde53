import type { ChannelCredentials } from "@grpc/grpc-js";
import { test } from "vitest";
import { TestCa } from "./certificates.ts";
import { type Etcd, type EtcdOptions, startEtcd } from "./etcd.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { ManagerClient, type ManagerClientOptions, NodeClient } from "./manager-client.ts";
import {
  type RunningManager,
  type RunningNode,
  type ServiceName,
  ServiceProcess,
  type Settings,
  startManager,
  startNode,
} from "./processes.ts";
import { TestClient, type TestClientOptions } from "./ws-client.ts";

/** Nodes that one manager follows in an etcd of their own. */
export interface Cluster {
  readonly etcd: Etcd;
  readonly nodes: readonly RunningNode[];
  readonly manager: RunningManager;
  readonly publisher: ManagerClient;
}

/**
 * Starts what a test needs, and ends all of it with the test, also when that fails. At the end it
 * fails if a process has ended by itself, or a client was sent what is no frame.
 */
export class Stage {
  readonly #cleanups: (() => unknown)[] = [];
  readonly #processes: ServiceProcess[] = [];
  readonly #clients: TestClient[] = [];

  async etcd(options?: EtcdOptions): Promise<Etcd> {
    const etcd = await startEtcd(options);
    this.#cleanups.push(() => etcd.close());
    return etcd;
  }

  /** @param root of the version that is run. @default this one's */
  async node(settings: Settings, root?: string): Promise<RunningNode> {
    const node = await startNode(settings, root);
    this.#own(node.process);
    return node;
  }

  /** Like `node`. */
  async manager(settings: Settings, root?: string): Promise<RunningManager> {
    const manager = await startManager(settings, root);
    this.#own(manager.process);
    return manager;
  }

  /** A process that may never become ready. @param root of the version that is run. @default this one's */
  process(name: ServiceName, settings: Settings, root?: string): ServiceProcess {
    const process = new ServiceProcess(name, settings, root);
    this.#cleanups.push(() => process.close());
    return process;
  }

  publisher(manager: RunningManager, options?: ManagerClientOptions): ManagerClient {
    const publisher = new ManagerClient(manager.grpcAddress, options);
    this.#cleanups.push(() => publisher.close());
    return publisher;
  }

  nodeClient(node: RunningNode, secure?: ChannelCredentials): NodeClient {
    const client = new NodeClient(node.grpcAddress, secure);
    this.#cleanups.push(() => client.close());
    return client;
  }

  /** Waits until the node takes sessions. */
  async client(node: RunningNode, options: TestClientOptions): Promise<TestClient> {
    await node.warm();
    const client = await TestClient.open(node.wsUrl, options);
    this.#clients.push(client);
    this.#cleanups.push(() => client.terminate());
    return client;
  }

  async proxy(port: number): Promise<FaultProxy> {
    const proxy = await startFaultProxy({ host: "127.0.0.1", port });
    this.#cleanups.push(() => proxy.close());
    return proxy;
  }

  /** Resolves when the manager's links to all nodes are live. */
  async cluster(
    nodeCount: number,
    settings: {
      readonly node?: Settings;
      readonly manager?: Settings;
      readonly publisher?: ManagerClientOptions;
    } = {},
  ): Promise<Cluster> {
    const etcd = await this.etcd();
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const [manager, ...nodes] = await Promise.all([
      this.manager({ ...found, ...settings.manager }),
      ...Array.from({ length: nodeCount }, () => this.node({ ...found, ...settings.node })),
    ]);
    const publisher = this.publisher(manager, settings.publisher);
    await publisher.untilLinked(nodes.map(({ nodeId }) => nodeId));
    return { etcd, nodes, manager, publisher };
  }

  async ca(): Promise<TestCa> {
    const ca = await TestCa.create();
    this.#cleanups.push(() => ca.close());
    return ca;
  }

  /** Ends something of the test's own; what was begun last ends first. */
  atEnd(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  async close(): Promise<void> {
    const problems: unknown[] = [
      ...this.#processes.flatMap(({ unexpectedEnd }) => unexpectedEnd ?? []),
      ...this.#clients.flatMap(({ userId, faults }) =>
        faults.map((fault) => `${userId}: ${fault}`),
      ),
    ];
    for (const cleanup of this.#cleanups.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        problems.push(error);
      }
    }
    if (problems.length > 0) throw new Error(problems.map(String).join("\n"));
  }

  #own(process: ServiceProcess): void {
    this.#processes.push(process);
    this.#cleanups.push(() => process.close());
  }
}

/** A test with a stage of its own. */
export const it = test.extend<{ stage: Stage }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from the pattern.
  stage: async ({}, use) => {
    const stage = new Stage();
    await use(stage);
    await stage.close();
  },
});
