import type {
  GetRoomResponse,
  GetUserResponse,
  InspectResponse,
  ListNodesResponse,
  NodeCount,
  NodeInfo,
} from "@pushcast/api";
import type { KnownNode } from "./links.ts";

/** What one node answered; undefined if it did not, in time. */
interface Inspected {
  readonly node: KnownNode;
  readonly answer: InspectResponse | undefined;
}

/** Counts a room on all nodes. Nodes that do not answer are missing from the counts. */
export async function getRoom(
  nodes: Iterable<KnownNode>,
  roomId: string,
  timeoutMs: number,
): Promise<GetRoomResponse> {
  const inspected = await inspectAll(nodes, { roomId, userId: "" }, timeoutMs);
  const counts = countsOf(inspected);
  return { ...totals(inspected), users: sum(counts, "users"), nodes: counts };
}

/** Counts a user's sessions on all nodes, and collects the rooms that they are in. */
export async function getUser(
  nodes: Iterable<KnownNode>,
  userId: string,
  timeoutMs: number,
): Promise<GetUserResponse> {
  const inspected = await inspectAll(nodes, { roomId: "", userId }, timeoutMs);
  const rooms = new Set(inspected.flatMap(({ answer }) => answer?.userRooms ?? []));
  return { ...totals(inspected), rooms: [...rooms].sort(), nodes: countsOf(inspected) };
}

/** Every known node, with its counts if it answers. */
export async function listNodes(
  nodes: Iterable<KnownNode>,
  timeoutMs: number,
): Promise<ListNodesResponse> {
  const inspected = await inspectAll(nodes, { roomId: "", userId: "" }, timeoutMs);
  const { nodesTotal, nodesAnswered } = totals(inspected);
  return { nodes: inspected.map(nodeInfo), nodesTotal, nodesAnswered };
}

async function inspectAll(
  nodes: Iterable<KnownNode>,
  request: { roomId: string; userId: string },
  timeoutMs: number,
): Promise<Inspected[]> {
  return await Promise.all(
    Array.from(nodes, async (node) => {
      // A node that does not answer is counted as such, whatever the reason.
      const answer = await node.link.inspect(request, timeoutMs).catch(() => undefined);
      return { node, answer };
    }),
  );
}

function totals(inspected: readonly Inspected[]) {
  const counts = countsOf(inspected);
  return {
    sessions: sum(counts, "sessions"),
    nodesTotal: inspected.length,
    nodesAnswered: counts.length,
  };
}

function countsOf(inspected: readonly Inspected[]): NodeCount[] {
  return inspected.flatMap(({ node, answer }) =>
    answer === undefined
      ? []
      : [{ nodeId: node.link.nodeId, sessions: answer.sessions, users: answer.users }],
  );
}

function sum(counts: readonly NodeCount[], field: "sessions" | "users"): number {
  return counts.reduce((total, count) => total + count[field], 0);
}

function nodeInfo({ node: { link, record, isRegistered }, answer }: Inspected): NodeInfo {
  const startedAtMs = Date.parse(record.startedAt);
  return {
    nodeId: link.nodeId,
    grpcAddress: record.grpcAddress,
    state: isRegistered ? record.state : "",
    zone: record.zone,
    version: link.nodeVersion || record.version,
    startedAtMs: Number.isNaN(startedAtMs) ? 0n : BigInt(startedAtMs),
    link: link.state,
    lag: BigInt(link.lag),
    sessions: answer?.sessions ?? 0,
    users: answer?.users ?? 0,
    rooms: answer?.rooms ?? 0,
  };
}
