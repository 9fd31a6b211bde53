/** One system under one workload, once. */
export interface Measured {
  readonly system: string;
  readonly workload: string;
  /** When it began, in ISO 8601. */
  readonly at: string;
  /** Of the machine over one minute, before. */
  readonly loadBefore: number;
  readonly sessions: number;
  readonly pushes: number;
  readonly refused: number;
  readonly deliveries: number;
  /** Messages that a client did not get although it got a later one. */
  readonly lost: number;
  readonly repeated: number;
  readonly outOfOrder: number;
  /** What had not come when the measurement ended: the server is behind. */
  readonly undelivered: number;
  /** Connections that the server ended. */
  readonly closed: number;
  readonly pushesPerSecond: number;
  readonly deliveriesPerSecond: number;
  readonly bytesPerDelivery: number;
  /** From the publisher's write to the client's read, of what was delivered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of all processes that send to clients. */
  readonly serverCpuMicrosPerDelivery: number;
  /** Of what takes part beside them: the push-manager; undefined where there is nothing. */
  readonly besideCpuMicrosPerPush: number | undefined;
  /** Shares of a core. */
  readonly serverCpu: number;
  readonly generatorCpu: number;
  readonly publisherCpu: number;
  /** What others took of the server's core: who joins messages pays less where it must wait for its turn. */
  readonly othersCpu: number;
  /** Of the servers, before the first client. */
  readonly emptyBytes: number;
  /** With all clients, before the first message. */
  readonly idleBytes: number;
  /** The most that there was. */
  readonly peakBytes: number;
}

/** As it is kept. */
export interface Measurement extends Measured {
  /** Of this system under this workload, from 1. */
  readonly round: number;
  /** By `productCommit`. */
  readonly commit: string;
}

/** What a system must not do, however fast it is. What is undelivered is not among it: it may come yet. */
export function faultsOf({ lost, repeated, outOfOrder, refused, closed }: Measured): number {
  return lost + repeated + outOfOrder + refused + closed;
}
