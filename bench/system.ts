import { Child } from "../test/support/child.ts";
import { ManagerClient } from "../test/support/manager-client.ts";
import {
  type RunningManager,
  type RunningNode,
  type ServiceProcess,
  type Settings,
  startManager,
  startNode,
} from "../test/support/processes.ts";
import { until } from "../test/support/until.ts";
import type {
  ClientsReply,
  ClientsRequest,
  PlannedSession,
  PublisherReply,
  PublisherRequest,
} from "./messages.ts";
import type { Plan } from "./scenarios.ts";

/** Only who stalls is in it, so that the others need not read all that fills a socket. */
const FLOODED = "flooded";
const FLOOD_CONTENT = Buffer.alloc(64 * 1024, "x");
const FULL_WITHIN_MS = 60_000;
/** Longer than any run: who stalls stays. */
const LAG_SECONDS = 3_600;

/** The processes of one scenario: manager and nodes, publisher and clients. */
export interface System {
  readonly manager: RunningManager;
  readonly nodes: readonly RunningNode[];
  readonly publisher: Child<PublisherRequest, PublisherReply>;
  readonly clients: Child<ClientsRequest, ClientsReply>;
  readonly roomIds: readonly string[];
  /** For each live session the index of its room. */
  readonly roomOf: readonly number[];
}

/** Starts what a plan needs, with all clients in their rooms, and ends it after its use. */
export async function withSystem<Result>(
  plan: Plan,
  use: (system: System) => Promise<Result>,
  nodeSettings: Settings = {},
): Promise<Result> {
  const cleanups: (() => Promise<void>)[] = [];
  const started = <Part extends { process: ServiceProcess }>(part: Part) => {
    cleanups.push(() => part.process.close());
    return part;
  };
  const child = <Request, Reply>(file: URL) => {
    const made = new Child<Request, Reply>(file);
    cleanups.push(() => made.close());
    return made;
  };
  const startClients = () =>
    child<ClientsRequest, ClientsReply>(new URL("./clients.ts", import.meta.url));
  try {
    const nodes = await Promise.all(
      Array.from({ length: plan.nodes }, async (_, n) =>
        started(
          await startNode({
            REGISTRY: "memory",
            POD_NAME: `node-${n}`,
            LAG_SECONDS,
            // All clients connect at once.
            HANDSHAKE_BURST: plan.live + plan.stalled,
            ...nodeSettings,
          }),
        ),
      ),
    );
    const manager = started(
      await startManager({
        REGISTRY: "static",
        NODES: nodes.map(({ grpcAddress }) => grpcAddress).join(),
        // As in production, not as in tests.
        ACK_TIMEOUT_MS: undefined,
      }),
    );
    const linking = new ManagerClient(manager.grpcAddress);
    cleanups.push(async () => linking.close());
    await linking.untilLinked(nodes.map(({ nodeId }) => nodeId));

    const roomIds = Array.from({ length: plan.rooms }, (_, n) => `room-${n}`);
    const sessionsOf = (kind: "live" | "stalled"): PlannedSession[] =>
      Array.from({ length: plan[kind] }, (_, n) => ({
        url: nodes[n % plan.nodes]?.wsUrl ?? "",
        userId: `${kind}-${n}`,
        roomIds: [
          roomIds[roomIndex(n, plan[kind], plan.rooms)] ?? "",
          ...(kind === "stalled" ? [FLOODED] : []),
        ],
        stalls: kind === "stalled",
      }));
    const clients = startClients();
    await clients.ask({ type: "open", sessions: sessionsOf("live") });
    if (plan.stalled > 0) {
      const stalled = startClients();
      await stalled.ask({ type: "open", sessions: sessionsOf("stalled") });
      await untilAllLag(linking, plan.stalled);
    }
    const publisher = child<PublisherRequest, PublisherReply>(
      new URL("./publisher.ts", import.meta.url),
    );
    const roomOf = Array.from({ length: plan.live }, (_, n) => roomIndex(n, plan.live, plan.rooms));
    return await use({ manager, nodes, publisher, clients, roomIds, roomOf });
  } finally {
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}

/** Spreads sessions so that each room has members on many nodes. */
function roomIndex(session: number, sessions: number, rooms: number): number {
  return Math.floor((session * rooms) / sessions);
}

/** Fills the sockets of those who stall, until the system takes no more for any of them. */
async function untilAllLag(manager: ManagerClient, sessions: number): Promise<void> {
  const isFull = async () => {
    const { report } = await manager.pushToRoom({ roomId: FLOODED, content: FLOOD_CONTENT });
    return report.sessionsLagging === sessions;
  };
  await until(`${sessions} lagging sessions`, isFull, FULL_WITHIN_MS);
}
