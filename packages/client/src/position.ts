/** A position as it stands in a frame: for each epoch, all up to this seq is dealt with. */
export type PositionRecord = Readonly<Record<string, number>>;

/** The most entries of a position; beyond them those not named for longest go. */
const MAX_POSITION_ENTRIES = 100;

/** What one subscription has dealt with. */
export class Position {
  /** Those not named for longest come first. */
  readonly #seqs = new Map<string, number>();

  constructor(record: PositionRecord) {
    this.raise(record);
  }

  /** @returns 0 for an epoch that it does not name */
  seq(epoch: string): number {
    return this.#seqs.get(epoch) ?? 0;
  }

  /** Raises it entry by entry; never lowers an entry, and drops one only beyond the most. */
  raise(record: PositionRecord): void {
    for (const [epoch, seq] of Object.entries(record)) {
      const highest = Math.max(seq, this.seq(epoch));
      this.#seqs.delete(epoch);
      this.#seqs.set(epoch, highest);
    }
    // Only now: dropped on the way, an entry could come back from the same record with less.
    for (const epoch of this.#seqs.keys()) {
      if (this.#seqs.size <= MAX_POSITION_ENTRIES) return;
      this.#seqs.delete(epoch);
    }
  }

  toRecord(): PositionRecord {
    return Object.fromEntries(this.#seqs);
  }
}
