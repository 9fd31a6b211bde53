import type { Clock, TimerHandle } from "@pushcast/runtime";

/** Deadlines are told apart by no less than this, so that one timer serves all of a slot. */
const SLOT_MS = 5;

/** Something that waits until a time at the latest. */
export interface Expiring {
  /** Where `Deadlines` keeps it; set by `add`. */
  deadlineSlot: number;
}

/**
 * Calls `onExpired` for each item whose time has come, never early and up to 5 ms late. Thousands of items cost one
 * timer, and taking one out costs the same whatever their number.
 */
export class Deadlines<Item extends Expiring> {
  readonly #clock: Clock;
  readonly #onExpired: (item: Item) => void;
  readonly #slots = new Map<number, Set<Item>>();
  #timer: TimerHandle | undefined;
  #timerSlot = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onExpired: (item: Item) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  add(item: Item, timeoutMs: number): void {
    const slot = Math.ceil((this.#clock.monotonicMs() + timeoutMs) / SLOT_MS);
    item.deadlineSlot = slot;
    let items = this.#slots.get(slot);
    if (items === undefined) {
      items = new Set();
      this.#slots.set(slot, items);
    }
    items.add(item);
    if (slot < this.#timerSlot) this.#setTimer(slot);
  }

  remove(item: Item): void {
    const items = this.#slots.get(item.deadlineSlot);
    if (items === undefined) return;
    items.delete(item);
    if (items.size === 0) this.#slots.delete(item.deadlineSlot);
  }

  /** Lets all that are left expire now. */
  expireAll(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timerSlot = Number.POSITIVE_INFINITY;
    this.#expireThrough(Number.POSITIVE_INFINITY);
  }

  #setTimer(slot: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timerSlot = slot;
    const delayMs = Math.max(0, slot * SLOT_MS - this.#clock.monotonicMs());
    this.#timer = this.#clock.setTimeout(() => this.#onTimer(), delayMs);
  }

  #onTimer(): void {
    this.#timerSlot = Number.POSITIVE_INFINITY;
    this.#expireThrough(Math.floor(this.#clock.monotonicMs() / SLOT_MS));
    let next = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots.keys()) next = Math.min(next, slot);
    if (next < this.#timerSlot) this.#setTimer(next);
  }

  #expireThrough(lastSlot: number): void {
    for (const [slot, items] of this.#slots) {
      if (slot > lastSlot) continue;
      this.#slots.delete(slot);
      for (const item of items) this.#onExpired(item);
    }
  }
}
