import type { DeliveryCounts, KnownPush } from "@pushcast/log";

export interface ResumersPlan {
  readonly users: readonly string[];
  /** Each user is in all of them. */
  readonly rooms: readonly string[];
  readonly urls: readonly string[];
  readonly seed: number;
  /** How far they go back at most. */
  readonly goesBackMs: number;
}

export type ResumersRequest =
  /** Answered when all are live; from then on they resume. */
  | { readonly type: "begin"; readonly plan: ResumersPlan }
  /** Where to connect from now on. */
  | { readonly type: "urls"; readonly urls: readonly string[] }
  /** How many resumes have been answered. */
  | { readonly type: "count" }
  /** They resume no more. Answered when all are live. */
  | { readonly type: "calm" }
  /** Judges all histories so far by all that was pushed. */
  | { readonly type: "judge"; readonly pushes: readonly KnownPush[] };

export interface ResumersReport {
  /** From the first position of each subscription, and from each earlier one that it went back to. */
  readonly histories: number;
  readonly counts: DeliveryCounts;
  /** The first of what was wrong, in words. */
  readonly faults: readonly string[];
}

export type ResumersReply = "done" | number | ResumersReport;
