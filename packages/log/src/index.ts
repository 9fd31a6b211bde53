export { BoundedLog, type LogBounds, type LogEntry } from "./bounded-log.ts";
export { type EpochState, EpochTable, type SeqRange } from "./epoch-table.ts";
export {
  addCounts,
  checkHistory,
  type DeliveryCounts,
  type HistoryEvent,
  type HistoryVerdict,
  type KnownPush,
  KnownPushes,
  noDeliveries,
  type SubscriptionHistory,
} from "./history.ts";
export { HeadWatch, lackingInLog, misshapenEpochs, type PublicationPlace } from "./invariants.ts";
export { type Cursor, nextOffset, OffsetMerge } from "./merge.ts";
export { OffsetList } from "./offset-list.ts";
export {
  capPosition,
  isAbove,
  MAX_POSITION_ENTRIES,
  maxPosition,
  type Position,
} from "./position.ts";
export {
  decodePublication,
  encodePublication,
  encodePublicationField,
  messageField,
  type Publication,
  publicationId,
  type TargetKind,
  targetKind,
} from "./publication.ts";
export { TargetIndex } from "./target-index.ts";
