import { type TargetKind, targetKind } from "@pushcast/log";
import type { Codec } from "@pushcast/wire";
import type { FrameCache } from "./frames.ts";
import { isFor, type NodeEntry, offsetAfter } from "./node-log.ts";
import type { Subscription } from "./session.ts";

/** How many messages, by target. */
export type TargetCounts = Record<TargetKind, number>;

/** Frames of some publications, joined: written as one. */
export interface Piece {
  readonly bytes: Buffer;
  /** Where a reader's offset is once it has been written. */
  readonly endOffset: number;
  readonly counts: Readonly<TargetCounts>;
}

/**
 * Publications that matched an audience and are written together: all of one turn of the event loop,
 * or of a flush window. The bytes that several subscriptions get are joined once for them all;
 * users that a publication lists or excludes, and subscriptions that begin in the middle of the
 * batch, get bytes joined apart. Pieces are cut so that one that backs up a socket is not large.
 */
export class PendingBatch {
  readonly entries: NodeEntry[] = [];
  /** The indices in `entries` of those that list no users. */
  readonly #unlisted: number[] = [];
  /** For each user that is listed or excluded, for whom the shared bytes may be wrong: where it is listed. */
  readonly #listedAt = new Map<string, number[]>();
  /** Subscriptions that get only what is at or after this index; of others their offset tells. */
  #beginAt: Map<Subscription, number> | undefined;
  readonly #shared = new Map<Codec, Map<number, readonly Piece[]>>();
  /** What was given last: most subscriptions get the same as the one before them. */
  #last: { codec: Codec; first: number; pieces: readonly Piece[] } | undefined;

  add(entry: NodeEntry): void {
    const index = this.entries.length;
    this.entries.push(entry);
    // One subscription may have been flushed alone.
    if (this.#last !== undefined) {
      this.#last = undefined;
      this.#shared.clear();
    }
    if (entry.listed === undefined) this.#unlisted.push(index);
    for (const userId of entry.listed ?? []) this.#setApart(userId).push(index);
    for (const userId of entry.excluded ?? []) this.#setApart(userId);
  }

  /** The only users that get anything, where each publication lists its own; else undefined. */
  get onlyFor(): Iterable<string> | undefined {
    return this.#unlisted.length === 0 ? this.#listedAt.keys() : undefined;
  }

  /**
   * A subscription gets only what is added from now on: it began now, or got what is here. Its offset
   * alone does not tell that of ephemeral publications, which share the next one's place in the log.
   */
  beginWith(subscription: Subscription): void {
    this.#beginAt ??= new Map();
    this.#beginAt.set(subscription, this.entries.length);
  }

  /** What a subscription gets of the batch, from its offset on. */
  piecesFor(subscription: Subscription, frames: FrameCache, pieceBytes: number): readonly Piece[] {
    const { codec, userId } = subscription.session;
    const first = Math.max(
      this.#indexAt(subscription.offset),
      this.#beginAt?.get(subscription) ?? 0,
    );
    if (first >= this.entries.length) return [];
    const listedAt = this.#listedAt.size === 0 ? undefined : this.#listedAt.get(userId);
    if (listedAt !== undefined) {
      const own = this.#entriesAt(inOrder(listedAt, this.#unlisted), first).filter((entry) =>
        isFor(entry, userId),
      );
      return join(own, codec, frames, pieceBytes);
    }
    const last = this.#last;
    if (last !== undefined && last.codec === codec && last.first === first) return last.pieces;
    const pieces = this.#sharedFrom(first, codec, frames, pieceBytes);
    this.#last = { codec, first, pieces };
    return pieces;
  }

  #sharedFrom(
    first: number,
    codec: Codec,
    frames: FrameCache,
    pieceBytes: number,
  ): readonly Piece[] {
    let byStart = this.#shared.get(codec);
    if (byStart === undefined) {
      byStart = new Map();
      this.#shared.set(codec, byStart);
    }
    let pieces = byStart.get(first);
    if (pieces === undefined) {
      pieces = join(this.#entriesAt(this.#unlisted, first), codec, frames, pieceBytes);
      byStart.set(first, pieces);
    }
    return pieces;
  }

  #setApart(userId: string): number[] {
    let listedAt = this.#listedAt.get(userId);
    if (listedAt === undefined) {
      listedAt = [];
      this.#listedAt.set(userId, listedAt);
    }
    return listedAt;
  }

  /** The index of the first entry at or above an offset. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.entries.length;
    // Nearly every subscription gets the whole batch.
    if (high > 0 && (this.entries[0] as NodeEntry).offset >= offset) return 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.entries[middle] as NodeEntry).offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #entriesAt(indices: readonly number[], first: number): NodeEntry[] {
    const entries: NodeEntry[] = [];
    for (const index of indices) {
      if (index >= first) entries.push(this.entries[index] as NodeEntry);
    }
    return entries;
  }
}

/** Two ascending lists as one. */
function inOrder(a: readonly number[], b: readonly number[]): readonly number[] {
  if (b.length === 0) return a;
  return a.length === 0 ? b : [...a, ...b].sort((left, right) => left - right);
}

/** Joins the frames of entries into pieces of at most `pieceBytes`, or of one frame that is larger. */
export class PieceBuilder {
  readonly #codec: Codec;
  readonly #frames: FrameCache;
  readonly #pieceBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #counts: TargetCounts = { room: 0, user: 0, all: 0 };
  #endOffset = 0;

  constructor(codec: Codec, frames: FrameCache, pieceBytes: number) {
    this.#codec = codec;
    this.#frames = frames;
    this.#pieceBytes = pieceBytes;
  }

  /** Adds an entry. False if the piece is full: then it must be built first. */
  add(entry: NodeEntry): boolean {
    const frame = this.#frames.frame(entry, this.#codec);
    if (this.#parts.length > 0 && this.#bytes + frame.byteLength > this.#pieceBytes) return false;
    this.#parts.push(frame);
    this.#bytes += frame.byteLength;
    this.#counts[targetKind(entry.publication)] += 1;
    this.#endOffset = offsetAfter(entry);
    return true;
  }

  /** The piece, if anything was added; a new one begins. */
  build(): Piece | undefined {
    const [only] = this.#parts;
    if (only === undefined) return undefined;
    const piece: Piece = {
      bytes: this.#parts.length === 1 ? only : Buffer.concat(this.#parts, this.#bytes),
      endOffset: this.#endOffset,
      counts: this.#counts,
    };
    this.#parts = [];
    this.#bytes = 0;
    this.#counts = { room: 0, user: 0, all: 0 };
    return piece;
  }
}

function join(
  entries: readonly NodeEntry[],
  codec: Codec,
  frames: FrameCache,
  pieceBytes: number,
): readonly Piece[] {
  const pieces: Piece[] = [];
  const builder = new PieceBuilder(codec, frames, pieceBytes);
  const cut = () => {
    const piece = builder.build();
    if (piece !== undefined) pieces.push(piece);
  };
  for (const entry of entries) {
    if (builder.add(entry)) continue;
    cut();
    builder.add(entry);
  }
  cut();
  return pieces;
}
