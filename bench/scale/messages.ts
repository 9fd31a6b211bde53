import type { Target } from "../comparison/load/messages.ts";
import type { Load } from "./plans.ts";

/** What the process of the publisher is told. */
export type PublisherRequest =
  | {
      readonly type: "open";
      /** Of all managers; rooms take turns on them. */
      readonly targets: readonly Target[];
      /** Those with members. */
      readonly roomIds: readonly string[];
    }
  | ({ readonly type: "push" } & Load);

export type PublisherReply = "open" | PublisherReport;

export interface PublisherReport {
  /** For each room with members, one above the number of its last push. */
  readonly through: readonly number[];
  readonly pushes: number;
  /** Messages on the streams to the managers; a group holds what was due at once. */
  readonly groups: number;
  /** Since it was opened. */
  readonly refused: number;
}
