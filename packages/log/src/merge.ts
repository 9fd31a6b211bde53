import type { OffsetList } from "./offset-list.ts";

/** A reader of one subscription: its index lists and the offset from which on it wants them. */
export interface Cursor {
  readonly lists: readonly OffsetList[];
  offset: number;
}

/** The lowest offset at or above `from` in any of the lists. */
export function nextOffset(lists: readonly OffsetList[], from: number): number | undefined {
  let lowest: number | undefined;
  for (const list of lists) {
    const offset = list.nextFrom(from);
    if (offset !== undefined && (lowest === undefined || offset < lowest)) lowest = offset;
  }
  return lowest;
}

/**
 * Merges cursors by offset: a binary heap of (next offset, cursor). Two cursors that share an offset
 * are both served.
 */
export class OffsetMerge<C extends Cursor> {
  readonly #heap: { at: number; cursor: C }[] = [];

  constructor(cursors: Iterable<C>) {
    for (const cursor of cursors) {
      const at = nextOffset(cursor.lists, cursor.offset);
      if (at !== undefined) {
        this.#heap.push({ at, cursor });
        this.#up(this.#heap.length - 1);
      }
    }
  }

  /** The lowest offset and its cursor, which stays where it is until `advance`. */
  peek(): { readonly at: number; readonly cursor: C } | undefined {
    return this.#heap[0];
  }

  /** Moves the cursor that `peek` showed past its offset. */
  advance(): void {
    const top = this.#heap[0];
    if (top === undefined) return;
    top.cursor.offset = top.at + 1;
    const at = nextOffset(top.cursor.lists, top.cursor.offset);
    if (at === undefined) this.#dropTop();
    else top.at = at;
    this.#down(0);
  }

  #dropTop(): void {
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#heap[0] = last;
  }

  #up(index: number): void {
    let child = index;
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      if (this.#at(parent) <= this.#at(child)) return;
      this.#swap(parent, child);
      child = parent;
    }
  }

  #down(index: number): void {
    let parent = index;
    for (;;) {
      const left = 2 * parent + 1;
      let least = parent;
      if (left < this.#heap.length && this.#at(left) < this.#at(least)) least = left;
      if (left + 1 < this.#heap.length && this.#at(left + 1) < this.#at(least)) least = left + 1;
      if (least === parent) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #at(index: number): number {
    return (this.#heap[index] as { at: number }).at;
  }

  #swap(a: number, b: number): void {
    const item = this.#heap[a] as { at: number; cursor: C };
    this.#heap[a] = this.#heap[b] as { at: number; cursor: C };
    this.#heap[b] = item;
  }
}
