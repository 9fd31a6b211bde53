import { setTimeout as sleep } from "node:timers/promises";
import { createPushClient, type PushClient, type PushResult } from "@pushcast/api";
import { type ConnectNodeReady, createConnectNode } from "@pushcast/connect-node";
import { createPushManager } from "@pushcast/push-manager";
import { createRegistry, type Registry, RegistryMemory } from "@pushcast/registry";
import { createLogger, type Service } from "@pushcast/runtime";
import { createPageServer } from "./page-server.ts";
import type { DevPorts } from "./ports.ts";
import type { PushTarget } from "./push-endpoint.ts";
import { LOOPBACK, readDevSettings } from "./settings.ts";

export interface DevSystemInit {
  /** See `readDevSettings`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ports: DevPorts;
}

/** Where everything listens. */
export interface DevReady {
  readonly ports: DevPorts;
  /** As the nodes call themselves, in the order of their ports. */
  readonly nodeIds: readonly string[];
  readonly pageUrl: string;
  /** Undefined with CONSOLE=off. */
  readonly consoleUrl: string | undefined;
  /** etcd's URLs; none if the nodes are found in memory. */
  readonly etcdEndpoints: readonly string[];
  /** Whether the manager has reached all nodes. Only an etcd that does not answer keeps it from that. */
  readonly linked: boolean;
}

export interface DevSystem extends Service<DevReady> {
  /** See `DevSettings`. */
  readonly notHeeded: readonly string[];
}

/** One part could not start; the cause says why. */
export class PartError extends Error {
  override readonly name = "PartError";
  /** "push-manager", or the node's id. */
  readonly part: string;

  constructor(part: string, cause: unknown) {
    super(`${part} cannot start`, { cause });
    this.part = part;
  }
}

const LINKED_WITHIN_MS = 3_000;
const LINK_POLL_MS = 20;

/**
 * A whole system for development in this process: one push-manager and connect-nodes, on loopback
 * only, and the start page on the first node's WebSocket port. Its parts talk over gRPC, as they
 * would in different pods.
 * @throws InvalidSettings
 */
export function createDevSystem({ env, ports }: DevSystemInit): DevSystem {
  const settings = readDevSettings(env, ports);
  const level = settings.manager.LOG_LEVEL;
  const memory = new RegistryMemory();
  const etcdEndpoints =
    settings.manager.REGISTRY === "etcd" ? (settings.manager.ETCD_ENDPOINTS ?? []) : [];
  const memoryRegistries: Registry[] = [];
  /** With etcd each part makes its own. */
  const registryPart = (): { registry?: Registry } => {
    if (etcdEndpoints.length > 0) return {};
    const registry = createRegistry({ kind: "memory", memory }, () => {});
    memoryRegistries.push(registry);
    return { registry };
  };

  let client: PushClient | undefined;
  let ready: DevReady | undefined;
  const stopping = new AbortController();

  const pageServer = createPageServer({
    push: (target, content, contentType) => {
      // The nodes, which serve the page, start after it.
      if (client === undefined) throw new Error("the push-manager is not started");
      return pushTo(client, target, content, contentType);
    },
    maxContentBytes: settings.manager.MAX_CONTENT_BYTES,
    logger: createLogger({ service: "page", level }),
    describe: () => ({
      manager_grpc_port: ready?.ports.manager.grpc ?? 0,
      nodes: (ready?.nodeIds ?? []).map((id, index) => ({
        id,
        ws_port: ready?.ports.nodes[index]?.ws ?? 0,
      })),
    }),
  });
  const manager = createPushManager({
    settings: settings.manager,
    ...registryPart(),
    logger: createLogger({ service: "push-manager", level }),
  });
  const nodes = settings.nodes.map((nodeSettings, index) =>
    createConnectNode({
      settings: nodeSettings,
      logger: createLogger({ service: nodeSettings.POD_NAME ?? "connect-node", level }),
      ...registryPart(),
      ...(index === 0 ? { onOtherRequest: pageServer } : {}),
    }),
  );

  const startNode = async (
    node: Service<ConnectNodeReady>,
    index: number,
  ): Promise<{ id: string; ports: DevPorts["nodes"][number] }> => {
    const id = settings.nodes[index]?.POD_NAME ?? "connect-node";
    const { ports } = await node.start().catch((error) => {
      throw new PartError(id, error);
    });
    return { id, ports };
  };

  const allLinked = async (pushClient: PushClient): Promise<boolean> => {
    const giveUpAtMs = performance.now() + LINKED_WITHIN_MS;
    while (!stopping.signal.aborted && performance.now() < giveUpAtMs) {
      const { nodes: known } = await pushClient.listNodes();
      const linked = known.filter(({ state, link }) => state === "ready" && link === "live");
      if (linked.length >= nodes.length) return true;
      await sleep(LINK_POLL_MS);
    }
    return false;
  };

  const start = async (): Promise<DevReady> => {
    const { ports: managerPorts } = await manager.start().catch((error) => {
      throw new PartError("push-manager", error);
    });
    client = createPushClient({
      address: `${LOOPBACK}:${managerPorts.grpc}`,
      // There is no other that could be tried.
      maxAttempts: 1,
    });
    const started = await Promise.all(nodes.map(startNode));
    const [first] = started;
    ready = {
      ports: { manager: managerPorts, nodes: started.map((node) => node.ports) },
      nodeIds: started.map(({ id }) => id),
      pageUrl: `http://localhost:${first?.ports.ws}/`,
      consoleUrl:
        settings.manager.CONSOLE === "on"
          ? `http://localhost:${managerPorts.ops}/console`
          : undefined,
      etcdEndpoints,
      linked: false,
    };
    ready = { ...ready, linked: await allLinked(client) };
    return ready;
  };

  const stop = async (): Promise<void> => {
    stopping.abort();
    // First the manager, while its nodes still acknowledge.
    await manager.stop();
    await Promise.all(nodes.map((node) => node.stop()));
    await client?.close();
    for (const registry of memoryRegistries) await registry.close();
  };

  return {
    start,
    stop,
    notHeeded: settings.notHeeded,
    stopLimitMs: manager.stopLimitMs + Math.max(0, ...nodes.map(({ stopLimitMs }) => stopLimitMs)),
  };
}

function pushTo(
  client: PushClient,
  target: PushTarget,
  content: Buffer,
  contentType: string,
): Promise<PushResult> {
  switch (target.kind) {
    case "room":
      return client.pushToRoom(target.roomId, content, { contentType });
    case "user": {
      const { userId, roomId } = target;
      const within = roomId === undefined ? {} : { roomId };
      return client.pushToUser(userId, content, { contentType, ...within });
    }
    case "all":
      return client.broadcast(content, { contentType });
  }
}
