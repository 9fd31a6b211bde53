const COMPACT_AT = 64;

/** Ascending log offsets of one target: appended at the end, evicted from the front. */
export class OffsetList {
  #offsets: number[] = [];
  #first = 0;

  get size(): number {
    return this.#offsets.length - this.#first;
  }

  append(offset: number): void {
    this.#offsets.push(offset);
  }

  /** Drops the first offset, which must be the one given: entries leave a log in order. */
  evict(offset: number): void {
    if (this.#offsets[this.#first] !== offset) return;
    this.#first += 1;
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#offsets.length) {
      this.#offsets = this.#offsets.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The lowest offset at or above `from`; undefined if there is none. */
  nextFrom(from: number): number | undefined {
    return this.#offsets[this.#indexFrom(from)];
  }

  /** How many offsets are at or above `from`. */
  countFrom(from: number): number {
    return this.#offsets.length - this.#indexFrom(from);
  }

  #indexFrom(from: number): number {
    let low = this.#first;
    let high = this.#offsets.length;
    // Readers follow the end, so look there first.
    if (high > low && (this.#offsets[high - 1] as number) < from) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] as number) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
