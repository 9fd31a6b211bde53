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
  /** For each session how many different messages it got. */
  readonly distinct: readonly number[];
  readonly repeats: number;
  readonly outOfOrder: number;
}

/** What the process of the publisher is told. */
export interface PublisherRequest {
  readonly address: string;
  readonly roomIds: readonly string[];
  readonly rate: number;
  readonly seconds: number;
  readonly contentBytes: number;
  /** Not measured by the clients. */
  readonly isWarmUp: boolean;
}

export interface PublisherReport {
  /** Accepted, for each room. */
  readonly accepted: readonly number[];
  readonly refused: number;
  readonly tookSeconds: number;
  /** From the call to the answer. */
  readonly answerMs: Float64Array;
}
