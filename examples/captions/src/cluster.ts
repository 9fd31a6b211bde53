import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Child, ChildError } from "./child.ts";
import { type Etcd, startEtcd } from "./etcd.ts";

export interface ClusterNode {
  /** Its node id: `node-1`. */
  readonly name: string;
  /** `ws://127.0.0.1:<port>/ws` */
  readonly url: string;
}

type Service = "push-manager" | "connect-node";

/** Ports by name, from the line that a service writes when they all listen. */
type Ports = Readonly<Record<string, number>>;

const READY_WITHIN_MS = 20_000;

const LOOPBACK = { GRPC_HOST: "127.0.0.1", OPS_HOST: "127.0.0.1", WS_HOST: "127.0.0.1" };
const ANY_PORTS = { GRPC_PORT: "0", OPS_PORT: "0", WS_PORT: "0" };
const NODE_SETTINGS = {
  AUTH_MODE: "none",
  // A node that is killed is gone from etcd after this, not after 10 s.
  REGISTRATION_TTL_S: "2",
  // Nobody balances load here who would have to notice first.
  DRAIN_ACCEPT_SECONDS: "0",
  DRAIN_SECONDS: "1",
};

/** Pushcast and its etcd, on loopback: one push-manager and connect-nodes, each its own process. */
export class Cluster {
  readonly #print: (line: string) => void;
  #etcd: Etcd | undefined;
  #manager: Child | undefined;
  #managerAddress = "";
  readonly #nodeChildren: Child[] = [];
  readonly #nodes: ClusterNode[] = [];

  /**
   * Resolves when all their ports listen. Leaves nothing running when it rejects.
   *
   * @throws EtcdMissingError, ChildError
   */
  static async start(nodeCount: number, print: (line: string) => void): Promise<Cluster> {
    const cluster = new Cluster(print);
    try {
      await cluster.#start(nodeCount);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** `host:port` of the manager's gRPC server. */
  get managerAddress(): string {
    return this.#managerAddress;
  }

  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  /** Stops all of them, and waits for it. Resolves with whether each ended as it should. */
  async stop(): Promise<boolean> {
    const ends = await Promise.all(this.#nodeChildren.map((child) => this.#stopChild(child)));
    if (this.#manager !== undefined) ends.push(await this.#stopChild(this.#manager));
    await this.#etcd?.stop();
    return ends.every((ended) => ended);
  }

  async #start(nodeCount: number): Promise<void> {
    this.#etcd = await startEtcd();
    this.#watch(this.#etcd.child);
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: this.#etcd.endpoint };
    const managerPorts = this.#startService("push-manager", "push-manager", found, (child) => {
      this.#manager = child;
    });
    const names = Array.from({ length: nodeCount }, (_, index) => `node-${index + 1}`);
    const nodePorts = names.map((name) =>
      this.#startService("connect-node", name, { ...found, ...NODE_SETTINGS }, (child) => {
        this.#nodeChildren.push(child);
      }),
    );
    const [manager, ...nodes] = await Promise.all([managerPorts, ...nodePorts]);
    this.#managerAddress = `127.0.0.1:${manager?.grpc}`;
    for (const [index, ports] of nodes.entries()) {
      this.#nodes.push({ name: names[index] ?? "", url: `ws://127.0.0.1:${ports.ws}/ws` });
    }
  }

  async #startService(
    service: Service,
    name: string,
    settings: Readonly<Record<string, string>>,
    own: (child: Child) => void,
  ): Promise<Ports> {
    const main = fileURLToPath(
      new URL(`../../../services/${service}/dist/main.js`, import.meta.url),
    );
    if (!existsSync(main)) throw new ChildError(`${main} is missing: run npm run build first`);
    const child = await Child.start({
      name,
      command: process.execPath,
      args: [main],
      env: { ...LOOPBACK, ...ANY_PORTS, ...settings, POD_NAME: name, LOG_LEVEL: "error" },
      onErrorLine: (line) => this.#print(`[${name}] ${line}`),
    });
    own(child);
    const ports = await portsOf(child);
    this.#watch(child);
    return ports;
  }

  #watch(child: Child): void {
    void child.ended.then((how) => {
      if (!child.isStopping) this.#print(`${child.name} (pid ${child.pid}) ended: ${how}`);
    });
    this.#print(`${child.name} runs, pid ${child.pid}`);
  }

  async #stopChild(child: Child): Promise<boolean> {
    const endedBefore = child.hasEnded;
    const how = await child.stop();
    if (endedBefore || how === "exit code 0") return true;
    this.#print(`${child.name} (pid ${child.pid}) did not stop well: ${how}`);
    return false;
  }
}

async function portsOf(child: Child): Promise<Ports> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Ports>((resolve, reject) => {
      const fail = (problem: string) => reject(new ChildError(`${child.name} ${problem}`));
      child.onLine((line) => {
        const ports = readyPorts(line);
        if (ports !== undefined) resolve(ports);
      });
      void child.ended.then((how) => fail(`ended before it was ready: ${how}`));
      timer = setTimeout(() => fail(`was not ready within ${READY_WITHIN_MS} ms`), READY_WITHIN_MS);
    });
  } finally {
    clearTimeout(timer);
  }
}

function readyPorts(line: string): Ports | undefined {
  if (!line.startsWith("{")) return undefined;
  const { msg, ports } = JSON.parse(line) as { msg?: unknown; ports?: Ports };
  return msg === "ready" ? ports : undefined;
}
