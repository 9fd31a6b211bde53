import type { Run } from "./run.ts";

/** What cost depends on, by second, as one manager and one node see it; all are taken to be alike. */
export interface Situation {
  readonly nodes: number;
  readonly managers: number;
  /** Through all managers. */
  readonly pushes: number;
  /**
   * Messages in which these pushes reach the managers: as many as pushes where each comes by a call of
   * its own; fewer where what is due at once comes as one message of a PushStream.
   */
  readonly groups: number;
  readonly contentBytes: number;
  /** Publications that have a member on a given node, and on how many nodes one has, on average. */
  readonly matched: number;
  readonly matchedNodes: number;
  /** Writes to sockets of one node's clients: one a member and publication, or group of them. */
  readonly sends: number;
  /** To one node's clients. */
  readonly deliveries: number;
  /** Of one node: `HEARTBEAT_MS`. */
  readonly pings: number;
  /** Of other nodes' logs by one node: `REATTACH_SECONDS`. */
  readonly peerReads: number;
}

export interface SituationInit {
  readonly nodes: number;
  readonly managers: number;
  readonly pushes: number;
  /** @default as many as pushes */
  readonly groups?: number;
  readonly contentBytes: number;
  /** That are pushed to, and their members each. */
  readonly rooms: number;
  readonly members: number;
  /** How many of the pushes go to these rooms; the others to rooms that nobody is in. @default 1 */
  readonly memberShare?: number;
  /** Of all nodes; also those in no room that is pushed to. @default rooms × members */
  readonly sessions?: number;
  /** @default 25000 */
  readonly heartbeatMs?: number;
  /** @default 10 */
  readonly reattachSeconds?: number;
}

export function situation(init: SituationInit): Situation {
  const { nodes, managers, pushes, contentBytes, rooms, members, memberShare = 1 } = init;
  const { groups = pushes, heartbeatMs = 25_000, reattachSeconds = 10 } = init;
  const { sessions = rooms * members } = init;
  // Neighbours in a room are on different nodes.
  const matchedNodes = Math.min(members, nodes) * memberShare;
  // A room's publications of one group are joined.
  const sentToRoom = rooms === 0 ? 0 : Math.min((pushes * memberShare) / rooms, groups / managers);
  return {
    nodes,
    managers,
    pushes,
    groups,
    contentBytes,
    matched: (pushes * matchedNodes) / nodes,
    matchedNodes,
    sends: (sentToRoom * rooms * members) / nodes,
    deliveries: (pushes * memberShare * members) / nodes,
    pings: (sessions / nodes) * (1000 / heartbeatMs),
    peerReads: (nodes - 1) / reattachSeconds,
  };
}

/** As it was measured. */
export function situationOf({ topology, load, pushesPerSecond, groupsPerSecond }: Run): Situation {
  const { nodes, managers, rooms, members, heartbeatMs, reattachSeconds } = topology;
  const { contentBytes, memberShare } = load;
  return situation({
    nodes,
    managers,
    pushes: pushesPerSecond,
    groups: groupsPerSecond,
    contentBytes,
    rooms,
    // Receivers acknowledge every publication as one that had a member.
    members: topology.nodesAre === "receivers" ? nodes : members,
    memberShare,
    sessions: rooms * members,
    heartbeatMs,
    reattachSeconds,
  });
}
