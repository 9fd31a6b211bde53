/** What is measured, by the flags. */
export interface LatencyPlan {
  readonly nodes: number;
  readonly users: number;
  readonly rooms: number;
  /** Pushes a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly contentBytes: number;
}

export interface PlannedSession {
  readonly url: string;
  readonly userId: string;
  readonly roomId: string;
}

/** What the process of the clients is told. */
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

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface LatencyResult {
  readonly plan: LatencyPlan;
  /** Pushes a second as they were. */
  readonly rate: number;
  readonly pushes: number;
  readonly refused: number;
  readonly sessions: number;
  readonly deliveries: number;
  readonly losses: number;
  readonly repeats: number;
  readonly outOfOrder: number;
  /** Push to client. */
  readonly latencyMs: Percentiles;
  /** Push to answer. */
  readonly answerMs: Percentiles;
  readonly managerCpuMicrosAPush: number;
  readonly nodesCpuMicrosADelivery: number;
  readonly machine: string;
  readonly nodeVersion: string;
}
