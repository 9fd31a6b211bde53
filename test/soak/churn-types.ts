import type { DeliveryCounts, KnownPush } from "@pushcast/log";

export interface ChurnPlan {
  /** Each user has one client after another, for as long as the churn lasts. */
  readonly users: readonly string[];
  readonly rooms: readonly string[];
  readonly urls: readonly string[];
  /** The mean of how long a client stays. */
  readonly staysMs: number;
  readonly seed: number;
  /** How long after its answer a push may still come, through a node that was behind. */
  readonly lateMs: number;
}

export type ChurnRequest =
  | { readonly type: "begin"; readonly plan: ChurnPlan }
  /** Where to connect from now on. */
  | { readonly type: "urls"; readonly urls: readonly string[] }
  /** Further pushes that have their answers. All that began before that time (Unix) are known now. */
  | { readonly type: "pushes"; readonly pushes: readonly KnownPush[]; readonly beforeMs: number }
  /** No client comes, goes or moves from now on. Answered when all that are there are live, or a while later. */
  | { readonly type: "calm" }
  /** Looks at all histories so far, those of the clients that are there still among them. */
  | { readonly type: "report" };

export interface ChurnReport {
  /** Clients that were there, all in all. */
  readonly clients: number;
  /** What they did. */
  readonly moves: Readonly<Record<Move, number>>;
  readonly counts: DeliveryCounts;
  /** The first of what was lost, repeated, out of order, misdirected or malformed, or is not live once calm, in words. */
  readonly faults: readonly string[];
}

/** What a client does now and then. */
export type Move =
  /** Leaves a room and joins another. */
  | "rooms"
  /** Loses its connection, and resumes on any node. */
  | "resume"
  /** Reads nothing for a while. */
  | "stall";
