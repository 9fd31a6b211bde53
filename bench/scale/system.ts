import { Child } from "../../test/support/child.ts";
import { startEtcd } from "../../test/support/etcd.ts";
import { ManagerClient } from "../../test/support/manager-client.ts";
import {
  type RunningManager,
  type RunningNode,
  type Settings,
  startManager,
  startNode,
} from "../../test/support/processes.ts";
import type { GeneratorReply, GeneratorRequest, Target } from "../comparison/load/messages.ts";
import type { ReceiversReply, ReceiversRequest } from "../manager/messages.ts";
import type { PublisherReply, PublisherRequest } from "./messages.ts";
import type { Topology } from "./plans.ts";

const STARTED_AT_ONCE = 10;
const RECEIVER_PROCESSES = 2;
const LINKED_WITHIN_MS = 60_000;
/** As in production, not as in tests. */
const MANAGER_SETTINGS: Settings = { ACK_TIMEOUT_MS: undefined };

/** The processes of one topology, with all clients in their rooms. */
export interface System {
  readonly managers: readonly RunningManager[];
  /** Empty where receivers stand for them. */
  readonly nodes: readonly RunningNode[];
  readonly receivers: readonly Receivers[];
  readonly generator: Child<GeneratorRequest, GeneratorReply>;
  readonly publisher: Child<PublisherRequest, PublisherReply>;
}

type Receivers = Child<ReceiversRequest, ReceiversReply>;

interface Fleet {
  readonly nodes: readonly RunningNode[];
  readonly receivers: readonly Receivers[];
  readonly nodeIds: readonly string[];
  /** How managers find the nodes. */
  readonly registry: Settings;
}

/** Starts a topology, and ends it after its use. */
export async function withSystem(
  topology: Topology,
  use: (system: System) => Promise<void>,
): Promise<void> {
  const cleanups: (() => Promise<void>)[] = [];
  const child = <Request, Reply>(file: URL) => {
    const made = new Child<Request, Reply>(file);
    cleanups.push(() => made.close());
    return made;
  };
  const startReceivers = async (): Promise<Fleet> => {
    const nodeIds = Array.from({ length: topology.nodes }, (_, n) => `node-${n}`);
    const file = new URL("../manager/receivers.ts", import.meta.url);
    const receivers = Array.from({ length: RECEIVER_PROCESSES }, () =>
      child<ReceiversRequest, ReceiversReply>(file),
    );
    const addresses = await Promise.all(
      receivers.map(async (process, index) => {
        const own = nodeIds.filter((_, n) => n % RECEIVER_PROCESSES === index);
        return (await process.ask({ type: "open", nodeIds: own })) as readonly string[];
      }),
    );
    const registry = { REGISTRY: "static", NODES: addresses.flat().join() };
    return { nodes: [], receivers, nodeIds, registry };
  };
  const startNodes = async (): Promise<Fleet> => {
    const etcd = await startEtcd();
    cleanups.push(() => etcd.close());
    const registry = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const nodes: RunningNode[] = [];
    while (nodes.length < topology.nodes) {
      const from = nodes.length;
      const count = Math.min(STARTED_AT_ONCE, topology.nodes - from);
      const started = Array.from({ length: count }, async (_, n) => {
        const node = await startNode({ ...registry, ...nodeSettings(topology, from + n) });
        cleanups.push(() => node.process.close());
        await node.warm();
        return node;
      });
      nodes.push(...(await Promise.all(started)));
    }
    return { nodes, receivers: [], nodeIds: nodes.map(({ nodeId }) => nodeId), registry };
  };
  try {
    const fleet = await (topology.nodesAre === "receivers" ? startReceivers() : startNodes());
    const managers = await Promise.all(
      Array.from({ length: topology.managers }, async () => {
        const manager = await startManager({ ...fleet.registry, ...MANAGER_SETTINGS });
        cleanups.push(() => manager.process.close());
        return manager;
      }),
    );
    for (const manager of managers) await untilLinked(manager, fleet.nodeIds);

    const generator = child<GeneratorRequest, GeneratorReply>(
      new URL("../comparison/load/generator.ts", import.meta.url),
    );
    const publisher = child<PublisherRequest, PublisherReply>(
      new URL("./publisher.ts", import.meta.url),
    );
    const roomIds = Array.from({ length: topology.rooms }, (_, n) => `room-${n}`);
    const { members } = topology;
    const targets = fleet.nodes.map(({ wsUrl }) => target(new URL(wsUrl).host));
    await generator.ask({ type: "open", targets, roomIds, members, dialect: "pushcast" });
    await publisher.ask({
      type: "open",
      targets: managers.map(({ grpcAddress }) => target(grpcAddress)),
      roomIds,
    });
    const { nodes, receivers } = fleet;
    await use({ managers, nodes, receivers, generator, publisher });
  } finally {
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}

function nodeSettings(topology: Topology, index: number): Settings {
  return {
    POD_NAME: `node-${index}`,
    HEARTBEAT_MS: topology.heartbeatMs,
    REATTACH_SECONDS: topology.reattachSeconds,
    // All start together, with nothing to copy from each other.
    WARM_SECONDS: 0,
    // All clients connect at once.
    HANDSHAKE_BURST: Math.max(1, topology.rooms * topology.members),
    // As in production, not as in tests.
    REGISTRATION_TTL_S: undefined,
  };
}

async function untilLinked(manager: RunningManager, nodeIds: readonly string[]): Promise<void> {
  const client = new ManagerClient(manager.grpcAddress);
  try {
    await client.untilLinked(nodeIds, LINKED_WITHIN_MS);
  } finally {
    client.close();
  }
}

function target(address: string): Target {
  const [host = "", port] = address.split(":");
  return { host, port: Number(port) };
}
