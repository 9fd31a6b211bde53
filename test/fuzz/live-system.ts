import { createConnectNode, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { createPushManager, pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import { createRegistry, RegistryMemory } from "@pushcast/registry";
import { createLogger, requireSettings } from "@pushcast/runtime";
import { ManagerClient } from "../support/manager-client.ts";
import { TestClient } from "../support/ws-client.ts";

const ROOM = "witnessed by one";
const SERVED_WITHIN_MS = 10_000;

/** A push-manager and a connect-node with real servers in this process, and a client that is served. */
export class LiveSystem {
  readonly wsPort: number;
  readonly nodePort: number;
  readonly managerPort: number;
  /** Ends of what was opened, in the order of it. */
  readonly #ends: (() => unknown)[];
  readonly #witness: TestClient;
  readonly #publisher: ManagerClient;
  #pushed = 0;

  private constructor(init: {
    ports: { ws: number; node: number; manager: number };
    ends: (() => unknown)[];
    witness: TestClient;
    publisher: ManagerClient;
  }) {
    this.wsPort = init.ports.ws;
    this.nodePort = init.ports.node;
    this.managerPort = init.ports.manager;
    this.#ends = init.ends;
    this.#witness = init.witness;
    this.#publisher = init.publisher;
  }

  /** @param settings of the node, beside those that admit whoever comes */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<LiveSystem> {
    const memory = new RegistryMemory();
    const registry = () => createRegistry({ kind: "memory", memory }, () => {});
    const everywhere = {
      REGISTRY: "memory",
      ...Object.fromEntries(["GRPC", "OPS"].map((name) => [`${name}_HOST`, "127.0.0.1"])),
      ...Object.fromEntries(["GRPC", "OPS"].map((name) => [`${name}_PORT`, "0"])),
    };
    const node = createConnectNode({
      settings: requireSettings(
        nodeSettings,
        {
          ...everywhere,
          AUTH_MODE: "none",
          WS_HOST: "127.0.0.1",
          WS_PORT: "0",
          POD_NAME: "node-1",
          HANDSHAKE_RATE: "100000",
          HANDSHAKE_BURST: "100000",
          DRAIN_ACCEPT_SECONDS: "0",
          DRAIN_SECONDS: "0",
          ...settings,
        },
        nodeChecks,
      ),
      logger: createLogger({ service: "connect-node", level: "silent" }),
      registry: registry(),
    });
    const manager = createPushManager({
      settings: requireSettings(pushManagerSettings, everywhere, pushManagerChecks),
      logger: createLogger({ service: "push-manager", level: "silent" }),
      registry: registry(),
    });
    const ends: (() => unknown)[] = [() => node.stop(), () => manager.stop()];
    const nodeReady = await node.start();
    const managerReady = await manager.start();
    const publisher = new ManagerClient(`127.0.0.1:${managerReady.ports.grpc}`);
    ends.push(() => publisher.close());
    await publisher.untilLinked(["node-1"]);
    const witness = await TestClient.open(`ws://127.0.0.1:${nodeReady.ports.ws}/ws`, {
      userId: "witness",
    });
    ends.push(() => witness.terminate());
    await witness.join(ROOM);
    const ports = {
      ws: nodeReady.ports.ws,
      node: nodeReady.ports.grpc,
      manager: managerReady.ports.grpc,
    };
    return new LiveSystem({ ports, ends, witness, publisher });
  }

  /** A push to the witness comes to it. It keeps no frames that it had before. */
  async check(): Promise<void> {
    this.#pushed += 1;
    const content = `push ${this.#pushed}`;
    await this.#publisher.pushToRoom({ roomId: ROOM, content });
    await this.#witness.message(content, SERVED_WITHIN_MS);
    this.#witness.frames.length = 0;
    this.#witness.messages.length = 0;
    this.#witness.messageAtMs.length = 0;
    if (this.#witness.faults.length > 0) throw new Error(this.#witness.faults.join("\n"));
  }

  async close(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
  }
}
