import type { DialectName } from "./dialects.ts";
import type { PublisherDialectName } from "./publisher-dialects.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface OpenClients {
  /** Clients are spread over them. */
  readonly targets: readonly Target[];
  readonly roomIds: readonly string[];
  /** Clients in each room. */
  readonly members: number;
  readonly dialect: DialectName;
}

/** What the process of the clients is told. */
export type GeneratorRequest =
  | ({ readonly type: "open" } & OpenClients)
  | { readonly type: "begin"; readonly from: readonly number[] }
  /** Answered with the deliveries since "begin". */
  | { readonly type: "count" }
  | { readonly type: "report"; readonly through: readonly number[] };

export type GeneratorReply = number | GeneratorReport;

export interface GeneratorReport {
  readonly deliveries: number;
  /** Those that did not come although a later one of the room did. */
  readonly lost: number;
  readonly repeated: number;
  readonly outOfOrder: number;
  /** Those that had not come when the measurement ended, with none after them. */
  readonly undelivered: number;
  /** Connections that the server ended. */
  readonly closed: number;
  readonly receivedBytes: number;
  /** From the publisher's write to the client's read. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What the process of the publisher is told. */
export type PublisherRequest =
  | {
      readonly type: "open";
      readonly target: Target;
      readonly roomIds: readonly string[];
      readonly dialect: PublisherDialectName;
    }
  /** To one room after another; without a rate all at once. */
  | { readonly type: "push"; readonly pushes: number; readonly rate: number | undefined };

export type PublisherReply = "open" | PublisherReport;

export interface PublisherReport {
  /** For each room, one above the number of its last push. */
  readonly through: readonly number[];
  readonly refused: number;
  readonly tookSeconds: number;
}
