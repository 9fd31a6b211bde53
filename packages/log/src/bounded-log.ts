/** What a log asks of its entries. */
export interface LogEntry {
  /** Its cost in memory: encoded bytes and the overhead of an entry. */
  readonly bytes: number;
  /** When it was appended, by the owner's monotonic clock. */
  readonly appendedAtMs: number;
}

export interface LogBounds {
  /** The entries together cost no more than this. */
  readonly maxBytes: number;
  /** No entry is older than this. */
  readonly maxAgeMs: number;
}

/** Evicted slots at the front are dropped once there are this many, and they are half of the array. */
const COMPACT_AT = 1024;

/**
 * Entries in the order in which they came, each with an offset: 0, 1, 2 … for the life of the
 * process. Bounded by bytes and by age: what does not fit is evicted from the front. Readers hold
 * offsets, not references; one whose offset is below `start` has a gap.
 */
export class BoundedLog<Entry extends LogEntry> {
  readonly #bounds: LogBounds;
  readonly #onEvict: (entry: Entry, offset: number) => void;
  #slots: Entry[] = [];
  /** Index in `#slots` of the first entry that is still there. */
  #first = 0;
  #start = 0;
  #bytes = 0;

  constructor(bounds: LogBounds, onEvict: (entry: Entry, offset: number) => void) {
    this.#bounds = bounds;
    this.#onEvict = onEvict;
  }

  /** The offset of the oldest entry, or of the next one if the log is empty. */
  get start(): number {
    return this.#start;
  }

  /** The offset that the next entry gets. */
  get end(): number {
    return this.#start + this.size;
  }

  get size(): number {
    return this.#slots.length - this.#first;
  }

  /** What the entries cost together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends, then evicts what no longer fits: also the new entry itself if it is too large alone. */
  append(entry: Entry): number {
    const offset = this.end;
    this.#slots.push(entry);
    this.#bytes += entry.bytes;
    while (this.#bytes > this.#bounds.maxBytes) this.#evictFirst();
    return offset;
  }

  /** Evicts what is older than the bound. The owner calls it now and then. */
  evictExpired(nowMs: number): void {
    while (this.size > 0 && nowMs - this.#firstEntry().appendedAtMs > this.#bounds.maxAgeMs) {
      this.#evictFirst();
    }
  }

  /** The entry at an offset; undefined if it is evicted or not there yet. */
  at(offset: number): Entry | undefined {
    return offset < this.#start ? undefined : this.#slots[this.#first + offset - this.#start];
  }

  /** The lowest offset whose entry does not satisfy `isBefore`, which must hold for a prefix of the log. */
  firstNot(isBefore: (entry: Entry) => boolean): number {
    let low = this.#first;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.#slots[middle] as Entry)) low = middle + 1;
      else high = middle;
    }
    return this.#start + low - this.#first;
  }

  #firstEntry(): Entry {
    return this.#slots[this.#first] as Entry;
  }

  #evictFirst(): void {
    const entry = this.#firstEntry();
    const offset = this.#start;
    // The slot is emptied at once, or the array would keep the evicted bytes alive until compaction.
    (this.#slots as (Entry | undefined)[])[this.#first] = undefined;
    this.#first += 1;
    this.#start += 1;
    this.#bytes -= entry.bytes;
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(this.#first);
      this.#first = 0;
    }
    this.#onEvict(entry, offset);
  }
}
