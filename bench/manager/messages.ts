/** What a process of receivers is told. */
export type ReceiversRequest =
  /** Answered with their addresses. */
  { readonly type: "open"; readonly nodeIds: readonly string[] } | { readonly type: "report" };

export type ReceiversReply = readonly string[] | ReceiversReport;

export interface ReceiversReport {
  /** Of each receiver, how many publications it got. */
  readonly publications: readonly number[];
  /** Messages that did not begin where the one before them ended, of all receivers. */
  readonly holes: number;
  /** Messages with publications, of all receivers. */
  readonly messages: number;
}

/** What the process of the publisher is told. */
export interface PushingRequest {
  readonly address: string;
  readonly via: "unary" | "stream";
  /** Infinite: as many as the manager takes. */
  readonly rate: number;
  readonly seconds: number;
  readonly contentBytes: number;
  /** How many nodes each report must count as acknowledged and matched. */
  readonly nodes: number;
}

export interface PushingReport {
  readonly accepted: number;
  readonly refused: number;
  /** Accepted, with a report that lacks a node. */
  readonly incomplete: number;
  readonly tookSeconds: number;
  /** From the call, or the write to the stream, to the answer. */
  readonly answerMs: Float64Array;
}
