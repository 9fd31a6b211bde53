import {
  BoundedLog,
  decodePublication,
  EpochTable,
  isAbove,
  type LogBounds,
  type LogEntry,
  MAX_POSITION_ENTRIES,
  maxPosition,
  nextOffset,
  OffsetMerge,
  type Position,
  type Publication,
  TargetIndex,
} from "@pushcast/log";
import type { Subscription } from "./session.ts";

/** A publication as this node holds it. */
export interface NodeEntry extends LogEntry {
  readonly publication: Publication;
  /** The bytes of the `pushcast.v1.Publication`; `publication.content` is a slice of them. */
  readonly encoded: Buffer;
  /** Only these users get it; undefined for everybody. */
  readonly listed: ReadonlySet<string> | undefined;
  /** These users do not get it. */
  readonly excluded: ReadonlySet<string> | undefined;
  /** Its place in the log. An ephemeral publication is not kept: it has the place of the next one. */
  readonly offset: number;
}

/** Whether a user in its room, or at all where it has none, gets it. */
export function isFor({ listed, excluded }: NodeEntry, userId: string): boolean {
  return (listed === undefined || listed.has(userId)) && !excluded?.has(userId);
}

/** The offset of a reader that has dealt with an entry. */
export function offsetAfter({ publication, offset }: NodeEntry): number {
  return publication.ephemeral ? offset : offset + 1;
}

/** What an entry costs besides its encoded bytes: objects, strings, index places. Measured, rounded up. */
const ENTRY_OVERHEAD_BYTES = 640;
/** What each listed or excluded user costs besides. */
const LISTED_USER_BYTES = 160;
/** Every so many offsets the heads are remembered, so that `positionAt` reads few entries. */
const CHECKPOINT_EVERY = 1024;

/** A reader of one subscription in a merge. */
export interface SubscriptionCursor {
  readonly subscription: Subscription;
  readonly lists: ReturnType<TargetIndex["room"]>;
  offset: number;
}

/**
 * Everything that this node was sent, within its bounds: the publications in the order in which they
 * came, an index by target, and for each epoch what of it is here.
 */
export class NodeLog {
  readonly epochs = new EpochTable();
  readonly #log: BoundedLog<NodeEntry>;
  readonly #index = new TargetIndex();
  /** Heads at the offsets that are multiples of CHECKPOINT_EVERY. */
  readonly #checkpoints = new Map<number, Position>();

  readonly #bounds: LogBounds;
  #beganAtMs: number;

  constructor(bounds: LogBounds, nowMs: number, onEvict: (entry: NodeEntry) => void) {
    this.#bounds = bounds;
    this.#beganAtMs = nowMs;
    this.#log = new BoundedLog<NodeEntry>(bounds, (entry, offset) => {
      const { publication } = entry;
      this.#index.evict(publication, offset);
      this.epochs.evicted(publication.epoch, publication.seq);
      if (offset % CHECKPOINT_EVERY === CHECKPOINT_EVERY - 1) {
        this.#checkpoints.delete(offset + 1 - CHECKPOINT_EVERY);
      }
      onEvict(entry);
    });
  }

  get start(): number {
    return this.#log.start;
  }

  get end(): number {
    return this.#log.end;
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  /** The entry at an offset; undefined if it is evicted or not there yet. */
  at(offset: number): NodeEntry | undefined {
    return this.#log.at(offset);
  }

  /** An entry at the log's end, that is not in the log yet. */
  entry(encoded: Buffer, publication: Publication, nowMs: number): NodeEntry {
    const users = publication.userIds.length + publication.excludeUserIds.length;
    return {
      publication,
      encoded,
      listed: publication.userIds.length === 0 ? undefined : new Set(publication.userIds),
      excluded:
        publication.excludeUserIds.length === 0 ? undefined : new Set(publication.excludeUserIds),
      offset: this.#log.end,
      bytes: encoded.byteLength + ENTRY_OVERHEAD_BYTES + users * LISTED_USER_BYTES,
      appendedAtMs: nowMs,
    };
  }

  append(entry: NodeEntry): void {
    if (entry.offset % CHECKPOINT_EVERY === 0) {
      this.#checkpoints.set(entry.offset, this.epochs.heads());
    }
    // Indexed first: a log that is too small for the entry evicts it within `append`.
    this.#index.add(entry.publication, entry.offset);
    this.#log.append(entry);
  }

  evictExpired(nowMs: number): void {
    this.#log.evictExpired(nowMs);
  }

  /** The heads as they were when the log ended at `offset`: all below it was dealt with. */
  positionAt(offset: number): Position {
    if (offset >= this.#log.end) return this.epochs.heads();
    const from = offset - (offset % CHECKPOINT_EVERY);
    const checkpoint = this.#checkpoints.get(from);
    if (checkpoint === undefined) return this.tails();
    // What is evicted by now was dealt with, too.
    const position = new Map(maxPosition(checkpoint, this.tails()));
    for (let at = Math.max(from, this.#log.start); at < offset; at += 1) {
      const publication = this.#log.at(at)?.publication;
      if (publication === undefined) continue;
      const { epoch, seq } = publication;
      if (position.has(epoch) || position.size < MAX_POSITION_ENTRIES) position.set(epoch, seq);
    }
    return position;
  }

  /**
   * An offset at or below that of the first entry above a position: below it everything is dealt
   * with. Found by the checkpoints, so up to CHECKPOINT_EVERY entries too low.
   */
  offsetOf(position: Position): number {
    let offset = this.#log.start;
    for (const [at, heads] of this.#checkpoints) {
      // One that is full may lack an epoch.
      if (heads.size >= MAX_POSITION_ENTRIES || !isWithin(heads, position)) break;
      offset = Math.max(offset, at);
    }
    return offset;
  }

  /** The offset of a subscription's first publication above a position; the log's end if there is none. */
  firstAbove(subscription: Subscription, position: Position): number {
    const lists = this.#listsOf(subscription);
    let next = nextOffset(lists, this.offsetOf(position));
    while (next !== undefined) {
      const publication = this.#log.at(next)?.publication;
      if (publication !== undefined && isAbove(position, publication.epoch, publication.seq)) break;
      next = nextOffset(lists, next + 1);
    }
    return next ?? this.#log.end;
  }

  /** At or below it this node may lack publications. */
  tails(): Position {
    const tails = new Map<string, number>();
    for (const epoch of this.epochs.heads().keys()) {
      tails.set(epoch, this.epochs.get(epoch)?.tail ?? 0);
    }
    return tails;
  }

  /** How many publications of a subscription are in the log from an offset on. */
  countFrom(subscription: Subscription, offset: number): number {
    let count = 0;
    for (const list of this.#listsOf(subscription)) count += list.countFrom(offset);
    return count;
  }

  /** How long an entry stays, as the log fills now: less than its bound where bytes evict sooner. */
  lifetimeMs(nowMs: number): number {
    const { maxBytes, maxAgeMs } = this.#bounds;
    const oldest = this.#log.at(this.#log.start);
    if (oldest === undefined) return maxAgeMs;
    return Math.min(maxAgeMs, ((nowMs - oldest.appendedAtMs) * maxBytes) / this.#log.bytes);
  }

  /** Milliseconds since the log began: as a ready node, or as the log that it was copied from. */
  ageMs(nowMs: number): number {
    return nowMs - this.#beganAtMs;
  }

  /** The node has become ready: its log is as old as that which it has copied, or begins now. */
  begin(ageMs: number, nowMs: number): void {
    this.#beganAtMs = nowMs - ageMs;
  }

  /** Whether there is something of a subscription that was not written to it. */
  hasMore(subscription: Subscription): boolean {
    return nextOffset(this.#listsOf(subscription), subscription.offset) !== undefined;
  }

  /** The position up to which everything of a subscription has been written to its session. */
  writtenPosition(subscription: Subscription): Position {
    const next = nextOffset(this.#listsOf(subscription), subscription.offset);
    return next === undefined ? this.epochs.heads() : this.positionAt(next);
  }

  /** Reads subscriptions together, in log order, each from its own offset on. */
  merge(subscriptions: Iterable<Subscription>): OffsetMerge<SubscriptionCursor> {
    const cursors: SubscriptionCursor[] = [];
    for (const subscription of subscriptions) {
      cursors.push({
        subscription,
        lists: this.#listsOf(subscription),
        offset: subscription.offset,
      });
    }
    return new OffsetMerge(cursors);
  }

  #listsOf({ room, session }: Subscription) {
    return room === undefined ? this.#index.self(session.userId) : this.#index.room(room.id);
  }
}

/** Whether everything up to `heads` is dealt with at `position`. */
function isWithin(heads: Position, position: Position): boolean {
  for (const [epoch, seq] of heads) if (isAbove(position, epoch, seq)) return false;
  return true;
}

/** A publication and its bytes, which are no part of a larger buffer. */
export interface OwnPublication {
  readonly encoded: Buffer;
  readonly publication: Publication;
}

/** Copies a publication's bytes out of a received message, so that the log holds no more than them. */
export function ownPublication(bytes: Uint8Array): OwnPublication {
  // Not from Buffer's shared pool: a pooled slice of a few bytes would keep 8 KiB alive with it.
  const encoded = Buffer.allocUnsafeSlow(bytes.byteLength);
  encoded.set(bytes);
  return { encoded, publication: decodePublication(encoded) };
}
