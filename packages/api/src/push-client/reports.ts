import type { DeliveryReport } from "../gen/pushcast/v1/publication.ts";
import { FailureReason } from "../gen/pushcast/v1/publication.ts";
import type { ListNodesResponse } from "../gen/pushcast/v1/push_manager.ts";

/** A push that was accepted. */
export interface PushResult {
  /** "<epoch>-<seq>": the push-manager that accepted it, and its number there. */
  readonly messageId: string;
  readonly report: PushReport;
  /** To push the same message again by; empty for one that is ephemeral. */
  readonly idempotencyKey: string;
  /** How many times it was sent. */
  readonly attempts: number;
}

/** What became of a push or a command, by the acknowledgements of the nodes. */
export interface PushReport {
  /** Nodes known when it was accepted, in any state: `nodesAcked` and `failures` together. */
  readonly nodesTotal: number;
  readonly nodesAcked: number;
  /** Of those, the ones that had at least one session for it. */
  readonly nodesMatched: number;
  /** Sessions to which it was written or queued. */
  readonly sessionsDelivered: number;
  /** Sessions that are behind and get it from the log. */
  readonly sessionsLagging: number;
  /** Nodes that had this idempotency key already, by another push-manager. */
  readonly nodesDuplicate: number;
  readonly failures: readonly PushFailure[];
}

/** A node that did not acknowledge. */
export interface PushFailure {
  readonly nodeId: string;
  readonly reason: PushFailureReason;
  /** For a person. */
  readonly message: string;
}

/**
 * `DEADLINE`: not in time. `LINK_DOWN`: nobody reaches it now. `GAP`: it fell off the log. `SKIPPED`: it was behind,
 * and the push ephemeral. `UNKNOWN`: what a later version says.
 */
export type PushFailureReason = "DEADLINE" | "LINK_DOWN" | "GAP" | "SKIPPED" | "UNKNOWN";

/** Who is in a room. Partial if `nodesAnswered` is less than `nodesTotal`. */
export interface RoomCounts {
  readonly sessions: number;
  /** A sum over nodes: a user with sessions on two counts twice. */
  readonly users: number;
  readonly nodesTotal: number;
  readonly nodesAnswered: number;
  readonly nodes: readonly NodeCounts[];
}

/** Where a user is. Partial if `nodesAnswered` is less than `nodesTotal`. */
export interface UserCounts {
  readonly sessions: number;
  readonly rooms: readonly string[];
  readonly nodesTotal: number;
  readonly nodesAnswered: number;
  readonly nodes: readonly NodeCounts[];
}

export interface NodeCounts {
  readonly nodeId: string;
  readonly sessions: number;
  readonly users: number;
}

/** The connect-nodes that a push-manager knows. */
export interface NodeList {
  readonly nodes: readonly NodeStatus[];
  readonly nodesTotal: number;
  /** Less than `nodesTotal`: the counts of the others are 0. */
  readonly nodesAnswered: number;
}

export interface NodeStatus {
  readonly nodeId: string;
  /** `host:port` */
  readonly grpcAddress: string;
  /** "starting", "ready" or "draining", as registered; empty when it is registered no more. */
  readonly state: string;
  readonly zone: string;
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAtMs: number;
  /** The push-manager's link to it: "connecting", "live", "closing" or "down". */
  readonly link: string;
  /** Publications that it has not acknowledged yet. */
  readonly lag: number;
  readonly sessions: number;
  readonly users: number;
  readonly rooms: number;
}

const REASONS: Readonly<Record<number, PushFailureReason>> = {
  [FailureReason.FAILURE_REASON_DEADLINE]: "DEADLINE",
  [FailureReason.FAILURE_REASON_LINK_DOWN]: "LINK_DOWN",
  [FailureReason.FAILURE_REASON_GAP]: "GAP",
  [FailureReason.FAILURE_REASON_SKIPPED]: "SKIPPED",
};

const NOTHING: PushReport = {
  nodesTotal: 0,
  nodesAcked: 0,
  nodesMatched: 0,
  sessionsDelivered: 0,
  sessionsLagging: 0,
  nodesDuplicate: 0,
  failures: [],
};

export function toReport(report: DeliveryReport | undefined): PushReport {
  if (report === undefined) return NOTHING;
  const failures = report.failures.map(({ nodeId, reason, message }) => {
    return { nodeId, reason: REASONS[reason] ?? "UNKNOWN", message };
  });
  return { ...report, failures };
}

export function toNodeList({ nodes, ...counts }: ListNodesResponse): NodeList {
  return {
    ...counts,
    // Both are far below 2^53.
    nodes: nodes.map((node) => ({
      ...node,
      startedAtMs: Number(node.startedAtMs),
      lag: Number(node.lag),
    })),
  };
}
