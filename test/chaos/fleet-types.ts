import type { DeliveryCounts, KnownPush } from "@pushcast/log";

export interface PlannedClient {
  readonly userId: string;
  readonly rooms: readonly string[];
}

export type FleetRequest =
  /** Answered when all clients are live. Closes those of before. */
  | {
      readonly type: "open";
      readonly clients: readonly PlannedClient[];
      readonly urls: readonly string[];
      readonly seed: number;
    }
  /** Where to connect from now on. */
  | { readonly type: "urls"; readonly urls: readonly string[] }
  /** A share of the clients, by chance, lose their connections. */
  | { readonly type: "cut"; readonly share: number }
  /** What has been pushed, to be checked against. */
  | { readonly type: "pushes"; readonly pushes: readonly KnownPush[] }
  /** Looks at all histories so far. */
  | { readonly type: "check" };

export interface FleetReport {
  readonly clients: number;
  /** Clients of which every room, and *self*, is live. */
  readonly live: number;
  readonly counts: DeliveryCounts;
  /** The first of what was lost, repeated, out of order, misdirected or malformed, in words. */
  readonly faults: readonly string[];
  /** What clients warned of, beside failed connections; also in `faults`. */
  readonly warnings: number;
  /** New connections since the fleet was opened, by the address of the node. */
  readonly connects: readonly NodeConnects[];
  /** Users that were told of a gap. */
  readonly usersWithGaps: readonly string[];
}

export interface NodeConnects {
  readonly url: string;
  readonly total: number;
  /** The most within one second, after the opening. */
  readonly peakASecond: number;
}
