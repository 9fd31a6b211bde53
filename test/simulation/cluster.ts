import type { DeliverRequest } from "@pushcast/api";
import { RegistryMemory } from "@pushcast/registry";
import { seededRandom } from "../support/random.ts";
import { Client } from "./client.ts";
import { EventLoop } from "./event-loop.ts";
import { LogCheck } from "./invariants.ts";
import { Manager } from "./manager.ts";
import { Network } from "./network.ts";
import { Node } from "./node.ts";
import { BizServer } from "./publisher.ts";

/** As the settings of the same names; times are short, so that much happens in little time. */
export interface ClusterSettings {
  readonly logBytes: number;
  readonly managerLogBytes: number;
  readonly logMs: number;
  readonly lagMs: number;
  readonly maxReplay: number;
  readonly sessionBufferBytes: number;
  readonly heartbeatMs: number;
  readonly flushWindowMs: number;
  readonly warmMs: number;
  readonly reattachMs: number;
  readonly drainAcceptMs: number;
  readonly drainMs: number;
  /** How long a dead node's key stays. */
  readonly leaseMs: number;
  /** The client's shortest wait before a new connection. */
  readonly clientDelayMs: number;
  /** Log entries in one message to a peer. */
  readonly replicateEntries: number;
  /** Between two of them. */
  readonly replicateMs: () => number;
}

const DEFAULTS: ClusterSettings = {
  logBytes: 1_000_000,
  managerLogBytes: 1_000_000,
  logMs: 20_000,
  lagMs: 3_000,
  maxReplay: 1_000,
  sessionBufferBytes: 2_000,
  heartbeatMs: 8_000,
  flushWindowMs: 0,
  warmMs: 3_000,
  reattachMs: 2_000,
  drainAcceptMs: 200,
  drainMs: 2_000,
  leaseMs: 2_000,
  clientDelayMs: 20,
  replicateEntries: 3,
  replicateMs: () => 1,
};

export interface ClusterInit {
  readonly settings?: Partial<ClusterSettings>;
  readonly seed?: number;
  /** How long a message is on its way. @default 1 */
  readonly latencyMs?: (random: () => number) => number;
  /** Turns of the event loop before time goes on. @default as many as there are to do */
  readonly turnsAStep?: (random: () => number) => number;
}

/** Managers, nodes and clients in one process, with everything between them in the simulation's hands. */
export class Cluster {
  readonly settings: ClusterSettings;
  readonly loop: EventLoop;
  readonly network: Network;
  readonly memory = new RegistryMemory();
  readonly biz: BizServer;
  readonly clients: Client[] = [];
  /** Alive now. */
  readonly nodes: Node[] = [];
  readonly managers: Manager[] = [];
  readonly violations: string[] = [];
  readonly resumes = { recovered: 0, refused: 0 };
  messages = 0;
  /** Sees every message that a manager writes to a node. */
  onLinkMessage: (epoch: string, address: string, message: DeliverRequest) => void = () => {};
  readonly #logChecks = new Map<Node, LogCheck>();
  #starts = 0;

  constructor({ settings = {}, seed = 1, latencyMs, turnsAStep }: ClusterInit = {}) {
    this.settings = { ...DEFAULTS, ...settings };
    const random = seededRandom(seed);
    this.loop = new EventLoop({
      random,
      ...(turnsAStep === undefined ? {} : { turnsAStep: () => turnsAStep(random) }),
    });
    this.network = new Network(this.loop, () => latencyMs?.(random) ?? 1);
    this.biz = new BizServer(this);
    this.loop.install();
  }

  get nowMs(): number {
    return this.loop.clock.monotonicMs();
  }

  startNode(id: string): Node {
    this.#starts += 1;
    const node = new Node(this, id, `${id}.${this.#starts}:50052`);
    this.nodes.push(node);
    this.#logChecks.set(node, new LogCheck(node));
    return node;
  }

  startManager(epoch = this.#newEpoch()): Manager {
    const manager = new Manager(this, epoch);
    this.managers.push(manager);
    return manager;
  }

  addClient(user: string, goesTo?: Node): Client {
    const client = new Client(this, `client-${this.clients.length}`, user, goesTo);
    this.clients.push(client);
    return client;
  }

  /** A process has ended. */
  ended(process: Node | Manager): void {
    remove(this.nodes, process);
    remove(this.managers, process);
  }

  /** What the load balancer chooses. */
  nodeForClient(): Node | undefined {
    return this.pick(this.nodes.filter(({ isReady, drain }) => isReady && drain.accepts));
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.loop.random() * items.length)];
  }

  pass(ms: number): Promise<void> {
    return this.loop.pass(ms);
  }

  /** Lets time pass until it is so. */
  async until(isSo: () => boolean, what: string, limitMs = 30_000): Promise<void> {
    const endMs = this.nowMs + limitMs;
    while (!isSo()) {
      if (this.nowMs >= endMs) throw new Error(`in ${limitMs} ms never: ${what}`);
      await this.pass(1);
    }
  }

  violated(problem: string): void {
    this.violations.push(`at ${this.nowMs} ms: ${problem}`);
  }

  /** Does every node have what it says that it has? */
  checkLogs(): void {
    const kept = this.biz.keptPlaces;
    for (const node of this.nodes) {
      for (const problem of this.#logChecks.get(node)?.look(kept) ?? []) this.violated(problem);
    }
  }

  /** Is anything lost? Only once everything has had its time. */
  checkComplete(): void {
    for (const client of this.clients) client.checkComplete();
  }

  /** Ends the simulation. @throws Error with what was violated */
  end(): void {
    for (const { client } of this.clients) client.close();
    this.loop.uninstall();
    if (this.violations.length > 0) throw new Error(this.violations.slice(0, 10).join("\n"));
  }

  #newEpoch(): string {
    let epoch = "";
    while (epoch.length < 16) epoch += Math.floor(this.loop.random() * 16).toString(16);
    return epoch;
  }
}

function remove<Item>(items: Item[], item: unknown): void {
  const at = items.indexOf(item as Item);
  if (at >= 0) items.splice(at, 1);
}
