import { setTimeout as sleep } from "node:timers/promises";
import type { NodeInfo } from "@pushcast/api";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { ManagerClient } from "../support/manager-client.ts";
import {
  type RunningManager,
  type RunningNode,
  type ServiceProcess,
  type Settings,
  startManager,
  startNode,
} from "../support/processes.ts";
import { until } from "../support/until.ts";
import { PushStreams } from "./push-streams.ts";

/** Nodes listen for managers and peers here, on the port that their proxy has on 127.0.0.1. */
const BEHIND_PROXY = "127.0.0.2";
/** For a client to connect again. */
const SHORT_WHILE_MS = 3_000;
/** A node that starts waits for what others have, and for its managers. */
const READY_WITHIN_MS = 45_000;

export interface ClusterPlan {
  readonly nodes: number;
  readonly managers: number;
  readonly logSeconds: number;
  readonly lagSeconds: number;
  /** Of all processes, beside those. */
  readonly settings?: Settings;
  readonly nodeSettings?: Settings;
  /** Of a node alone, beside those; asked for each that is started. */
  readonly ownNodeSettings?: () => Settings;
}

/** A connect-node, and the proxy through which managers and peers reach it. */
export interface ChaosNode extends RunningNode {
  readonly proxy: FaultProxy;
}

/** A push-manager, and a publisher's connection to it. */
export interface ChaosManager extends RunningManager {
  readonly client: ManagerClient;
  readonly pushes: PushStreams;
}

/** Who wants to know what becomes of the processes. */
export interface ClusterWatcher {
  /** The addresses that a load balancer would offer have changed. */
  readonly urlsChanged: (urls: readonly string[]) => Promise<void>;
  readonly managerEnded: (epoch: string) => void;
}

/**
 * A real etcd, managers and nodes as processes, with a proxy before etcd and before each node. All
 * that it starts is ended by `close`.
 */
export class ChaosCluster {
  readonly etcd: Etcd;
  readonly etcdProxy: FaultProxy;
  readonly nodes: ChaosNode[] = [];
  readonly managers: ChaosManager[] = [];
  watcher: ClusterWatcher | undefined;
  readonly #plan: ClusterPlan;
  readonly #processes: ServiceProcess[] = [];
  readonly #proxies: FaultProxy[];
  #nodesStarted = 0;
  #readyAtMs = 0;

  /** Resolves when every manager has a live link to every node, and every node is ready. */
  static async start(plan: ClusterPlan): Promise<ChaosCluster> {
    const etcd = await startEtcd();
    const cluster = new ChaosCluster(
      plan,
      etcd,
      await startFaultProxy({ host: "127.0.0.1", port: etcd.port }),
    );
    try {
      const add = async () => {
        cluster.nodes.push(await cluster.#startNode());
      };
      const addManager = async () => {
        cluster.managers.push(await cluster.#startManager());
      };
      await Promise.all([
        ...Array.from({ length: plan.nodes }, add),
        ...Array.from({ length: plan.managers }, addManager),
      ]);
      await cluster.linked();
      cluster.#readyAtMs = performance.now();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  private constructor(plan: ClusterPlan, etcd: Etcd, etcdProxy: FaultProxy) {
    this.#plan = plan;
    this.etcd = etcd;
    this.etcdProxy = etcdProxy;
    this.#proxies = [etcdProxy];
  }

  get logSeconds(): number {
    return this.#plan.logSeconds;
  }

  /** What a load balancer offers. */
  get urls(): string[] {
    return this.nodes.map(({ wsUrl }) => wsUrl);
  }

  /** Resolves when every client that was away for a short while can be recovered. */
  async aged(): Promise<void> {
    const agedAtMs = this.#readyAtMs + this.#plan.lagSeconds * 1000 + SHORT_WHILE_MS;
    await sleep(Math.max(0, agedAtMs - performance.now()));
  }

  /** One of the nodes of now. */
  node(index: number): ChaosNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** Resolves when no manager has a live link to the node. */
  async unlinked({ nodeId }: ChaosNode): Promise<void> {
    const isUnlinked = async ({ client }: ChaosManager) => {
      const nodes = await nodesOf(client);
      return !nodes.some((node) => node.nodeId === nodeId && node.link === "live");
    };
    await until(`no link to ${nodeId}`, async () => {
      return (await Promise.all(this.managers.map(isUnlinked))).every((unlinked) => unlinked);
    });
  }

  /** Resolves when each of these managers has a live link to every node of now. */
  async linked(managers: readonly ChaosManager[] = this.managers): Promise<void> {
    const isLinked = async ({ client }: ChaosManager) => {
      const nodes = await nodesOf(client);
      const live = new Set(nodes.filter(({ link }) => link === "live").map(({ nodeId }) => nodeId));
      return this.nodes.every(({ nodeId }) => live.has(nodeId));
    };
    await until("live links from every manager to every node", async () => {
      return (await Promise.all(managers.map(isLinked))).every((linked) => linked);
    });
  }

  /** As a Deployment rolls: the new node is ready before the old one is told to go. */
  async replaceNode(old: ChaosNode): Promise<ChaosNode> {
    const next = await this.#startNode();
    await this.#swap(old, next);
    const code = await old.process.stop();
    if (code !== 0) throw new Error(`${old.nodeId} ended with ${code}: ${old.process.stderr}`);
    await old.proxy.close();
    return next;
  }

  /** Ends it without warning, and starts another in its place. */
  async killNode(old: ChaosNode): Promise<ChaosNode> {
    await old.process.stop("SIGKILL");
    await old.proxy.close();
    const next = await this.#startNode();
    await this.#swap(old, next);
    await this.linked();
    return next;
  }

  /** The new manager is there before the old one is told to go. */
  async replaceManager(old: ChaosManager): Promise<void> {
    const next = await this.#startManager();
    await this.linked([next]);
    this.managers.splice(this.managers.indexOf(old), 1, next);
    const code = await old.process.stop();
    if (code !== 0) throw new Error(`a manager ended with ${code}: ${old.process.stderr}`);
    this.#ended(old);
  }

  /** Ends them without warning, at once, and starts others in their places. */
  async killManagers(olds: readonly ChaosManager[]): Promise<void> {
    await Promise.all(olds.map(({ process }) => process.stop("SIGKILL")));
    await Promise.all(
      olds.map(async (old) => {
        this.managers.splice(this.managers.indexOf(old), 1, await this.#startManager());
        this.#ended(old);
      }),
    );
    await this.linked();
  }

  async close(): Promise<void> {
    const problems = this.#processes.flatMap(({ unexpectedEnd }) => unexpectedEnd ?? []);
    for (const { client } of this.managers) client.close();
    await Promise.all(this.#processes.map((process) => process.close()));
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await this.etcd.close();
    if (problems.length > 0) throw new Error(problems.join("\n"));
  }

  async #swap(old: ChaosNode, next: ChaosNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(old), 1, next);
    await this.watcher?.urlsChanged(this.urls);
  }

  #ended({ client, epoch }: ChaosManager): void {
    client.close();
    this.watcher?.managerEnded(epoch);
  }

  /** Resolves when it is ready, as Kubernetes would ask it. */
  async #startNode(): Promise<ChaosNode> {
    this.#nodesStarted += 1;
    const name = `node-${this.#nodesStarted}`;
    const proxy = await startFaultProxy({ host: BEHIND_PROXY });
    this.#proxies.push(proxy);
    const node = await startNode({
      ...this.#settings(),
      LAG_SECONDS: this.#plan.lagSeconds,
      ...this.#plan.nodeSettings,
      ...this.#plan.ownNodeSettings?.(),
      POD_NAME: name,
      POD_IP: "127.0.0.1",
      GRPC_HOST: BEHIND_PROXY,
      GRPC_PORT: proxy.port,
    });
    this.#processes.push(node.process);
    const isReady = async () => {
      const { ok } = await fetch(`${node.opsUrl}/readyz`);
      return ok;
    };
    await until(`${node.nodeId} is ready`, isReady, READY_WITHIN_MS);
    return { ...node, proxy };
  }

  async #startManager(): Promise<ChaosManager> {
    const manager = await startManager({ ACK_TIMEOUT_MS: 1_000, ...this.#settings() });
    this.#processes.push(manager.process);
    const client = new ManagerClient(manager.grpcAddress);
    return { ...manager, client, pushes: new PushStreams(() => client.openPushStream()) };
  }

  #settings(): Settings {
    const endpoint = `http://127.0.0.1:${this.etcdProxy.port}`;
    return {
      REGISTRY: "etcd",
      ETCD_ENDPOINTS: endpoint,
      LOG_SECONDS: this.#plan.logSeconds,
      ...this.#plan.settings,
    };
  }
}

/** None, while nobody answers. */
async function nodesOf(client: ManagerClient): Promise<readonly NodeInfo[]> {
  try {
    return (await client.listNodes()).nodes;
  } catch {
    return [];
  }
}
