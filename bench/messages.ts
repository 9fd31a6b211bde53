export interface PlannedSession {
  readonly url: string;
  readonly userId: string;
  readonly roomIds: readonly string[];
  /** Reads nothing any more once it is in its rooms. */
  readonly stalls: boolean;
}

/** What a process of clients is told. */
export type ClientsRequest =
  | { readonly type: "open"; readonly sessions: readonly PlannedSession[] }
  /** How many measured messages have come by now. */
  | { readonly type: "count" }
  | { readonly type: "report" };

export type ClientsReply = number | ClientsReport;

export interface ClientsReport {
  readonly latenciesMs: Float64Array;
  /** When each of them was sent, by the machine's monotonic clock. */
  readonly sentAtMs: Float64Array;
  /** For each session how many different messages it got. */
  readonly distinct: readonly number[];
  readonly repeats: number;
  readonly outOfOrder: number;
}

/** A client that will be cut and resume. */
export type PlannedResuming = Omit<PlannedSession, "stalls">;

/** What a process of clients that resume is told. */
export type ResumingRequest =
  | { readonly type: "open"; readonly clients: readonly PlannedResuming[] }
  | { readonly type: "cut" }
  /** All at once; `pushed` is how many pushes each subscription has had by now. */
  | { readonly type: "resume"; readonly pushed: number }
  /** `pushed`: to each room, and under "" to all. */
  | { readonly type: "report"; readonly pushed: ReadonlyMap<string, number> };

/** Sums over all clients of a process, or over their subscriptions. */
export interface ResumingReport {
  readonly recovered: number;
  readonly notRecovered: number;
  /** Messages that were lost or out of order. */
  readonly losses: number;
  readonly repeats: number;
  readonly gaps: number;
  /** Handshakes that were answered 429 or 503. */
  readonly refusals: number;
  /** Connections that ended without an answer. */
  readonly lostConnections: number;
}

/** To "resume": for each client after how many milliseconds it had what it missed. */
export type ResumingReply = number | Float64Array | ResumingReport;

/** What the process of the publisher is told. */
export type PublisherRequest =
  /** Answered with the report after `seconds`; without, at once, and "stop" is answered with it. */
  ({ readonly type: "push" } & Pushing) | { readonly type: "stop" };

export interface Pushing {
  readonly address: string;
  readonly roomIds: readonly string[];
  readonly rate: number;
  readonly seconds?: number;
  readonly contentBytes: number;
  /** Not measured by the clients. */
  readonly isWarmUp: boolean;
}

export type PublisherReply = PublisherReport | "started";

export interface PublisherReport {
  /** Accepted, for each room. */
  readonly accepted: readonly number[];
  readonly refused: number;
  readonly tookSeconds: number;
  /** From the call to the answer. */
  readonly answerMs: Float64Array;
}
