import type { Load, Part, Topology } from "./plans.ts";

/** One load on one topology, measured. Rates are of the whole measured time, by second. */
export interface Run {
  readonly part: Part;
  readonly topology: Topology;
  readonly load: Load;
  /** The commit of the product, with "+" where files were changed. */
  readonly commit: string;
  /** When it began, in ISO 8601. */
  readonly at: string;
  /** Of the machine over one minute, before. */
  readonly loadBefore: number;
  /** Of the whole machine meanwhile, from 0 to 1. */
  readonly busyShare: number;
  /** Processor time that others than this run's processes took meanwhile. */
  readonly othersCores: number;
  readonly pushesPerSecond: number;
  /** Messages in which pushes came to the managers: what was due at once came together. */
  readonly groupsPerSecond: number;
  readonly deliveriesPerSecond: number;
  readonly faults: Faults;
  /** Of one manager, and of one node: the mean of all; without nodes where receivers stood for them. */
  readonly managerCores: number;
  readonly nodeCores: number | undefined;
  /** The most of a core that a client or publisher process took: near 1 the load was the limit. */
  readonly loadCores: number;
  /** From all managers to one node, and what it answers them. Without the headers of TCP and IP. */
  readonly linkBytesPerSecond: number | undefined;
  readonly ackBytesPerSecond: number | undefined;
  readonly bytesPerDelivery: number | undefined;
  /** From the publisher's write to the client's read. */
  readonly latencyMs:
    | { readonly p50: number; readonly p99: number; readonly max: number }
    | undefined;
}

/** Each of them should be 0. */
export interface Faults {
  readonly refused: number;
  readonly lost: number;
  readonly repeated: number;
  readonly outOfOrder: number;
  readonly undelivered: number;
  readonly closed: number;
}

export function isFaultless({ faults }: Run): boolean {
  return Object.values(faults).every((count) => count === 0);
}

const SATURATED_SHARE = 0.9;

/** Whether the machine or a manager had no time left: then costs say little, and latencies are queues. */
export function isSaturated({ busyShare, managerCores }: Run): boolean {
  return busyShare > SATURATED_SHARE || managerCores > SATURATED_SHARE;
}
