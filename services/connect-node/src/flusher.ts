import type { Clock } from "@pushcast/runtime";
import type { Audience, Hub } from "./hub.ts";
import { Room } from "./hub.ts";
import type { NodeEntry } from "./node-log.ts";
import { PendingBatch } from "./pending-batch.ts";
import type { Subscription } from "./session.ts";
import type { Writer } from "./writer.ts";

/**
 * After a flush that took at least `MIN_RESTING_MS`, a room rests for as long, so that it never takes more
 * than half of a core, and what comes meanwhile is written together. A shorter flush has little to gain.
 */
const MIN_RESTING_MS = 1;
/** A flush that was interrupted, by a stopped process for instance, is no measure. */
const MAX_RESTING_MS = 100;

/** One batch on its way to its subscriptions. */
interface Flush {
  readonly audience: Audience;
  readonly batch: PendingBatch;
  readonly subscriptions: readonly Subscription[];
  next: number;
  /** Milliseconds spent writing. */
  spentMs: number;
}

/**
 * Collects publications by audience and writes each audience's batch once a turn of the event loop: at
 * once after a quiet time, and then no sooner after the last than that took, nor than the window
 * (`FLUSH_WINDOW_MS`). A large audience is written in slices, and audiences take turns.
 */
export class Flusher {
  readonly #hub: Hub;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #sliceSends: number;
  readonly #onFlushed: (entries: readonly NodeEntry[]) => void;
  readonly #due = new Set<Audience>();
  readonly #flushing = new Map<Audience, Flush>();
  /** Those with something pending or on its way. */
  readonly #unwritten = new Set<Audience>();
  /** When an audience that rests may be flushed next. Those whose time has passed are dropped. */
  readonly #notBefore = new Map<Audience, number>();
  #scheduled = false;

  constructor(init: {
    hub: Hub;
    writer: Writer;
    clock: Clock;
    windowMs: number;
    /** Sends of one audience before another gets its turn. */
    sliceSends: number;
    /** All of a batch has been written; for metrics. */
    onFlushed: (entries: readonly NodeEntry[]) => void;
  }) {
    this.#hub = init.hub;
    this.#writer = init.writer;
    this.#clock = init.clock;
    this.#windowMs = init.windowMs;
    this.#sliceSends = init.sliceSends;
    this.#onFlushed = init.onFlushed;
  }

  /** The offset below which everything has been written to every session that is not behind; undefined for the log's end. */
  get unwrittenFrom(): number | undefined {
    let lowest: number | undefined;
    for (const { unwrittenFrom } of this.#unwritten) {
      if (unwrittenFrom === undefined) continue;
      if (lowest === undefined || unwrittenFrom < lowest) lowest = unwrittenFrom;
    }
    return lowest;
  }

  add(audience: Audience, entry: NodeEntry): void {
    if (audience.pending === undefined) {
      audience.pending = new PendingBatch();
      audience.unwrittenFrom ??= entry.offset;
      this.#unwritten.add(audience);
      this.#await(audience);
    }
    audience.pending.add(entry);
  }

  /** Writes everything that is pending now, whatever it takes. */
  flushAll(): void {
    for (const audience of [this.#hub.everyone, ...this.#hub.rooms.values()]) {
      const running = this.#flushing.get(audience);
      if (running !== undefined) this.#step(running, Number.POSITIVE_INFINITY);
      this.#begin(audience);
      const pending = this.#flushing.get(audience);
      if (pending !== undefined) this.#step(pending, Number.POSITIVE_INFINITY);
    }
    this.#due.clear();
  }

  /** Writes to one subscription what is pending for it; the flush of its batch then goes on after that. */
  flushNow(subscription: Subscription): void {
    const audience = this.#hub.audienceOf(subscription);
    const running = this.#flushing.get(audience);
    if (running?.subscriptions.includes(subscription, running.next)) {
      this.#write(running.batch, subscription);
      running.batch.beginWith(subscription);
    }
    if (audience.pending === undefined) return;
    this.#write(audience.pending, subscription);
    audience.pending.beginWith(subscription);
  }

  /** An audience has something pending: flush it when it may be. */
  #await(audience: Audience): void {
    if (this.#flushing.has(audience)) return; // its end sees to it
    const waitMs = (this.#notBefore.get(audience) ?? 0) - this.#clock.monotonicMs();
    this.#notBefore.delete(audience);
    if (waitMs <= 0) {
      this.#makeDue(audience);
      return;
    }
    const batch = audience.pending;
    const makeDue = () => {
      if (audience.pending === batch) this.#makeDue(audience);
    };
    this.#clock.setTimeout(makeDue, waitMs, { unref: true });
  }

  #makeDue(audience: Audience): void {
    this.#due.add(audience);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    for (const audience of this.#due) this.#begin(audience);
    this.#due.clear();
    for (const flush of [...this.#flushing.values()]) this.#step(flush, this.#sliceSends);
    if (this.#flushing.size > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#run);
    }
  };

  #begin(audience: Audience): void {
    const batch = audience.pending;
    if (batch === undefined || this.#flushing.has(audience)) return;
    audience.pending = undefined;
    this.#flushing.set(audience, {
      audience,
      batch,
      subscriptions: this.#subscriptions(audience, batch),
      next: 0,
      spentMs: 0,
    });
  }

  #step(flush: Flush, sends: number): void {
    const { batch, subscriptions } = flush;
    const startedAtMs = this.#clock.monotonicMs();
    const end = Math.min(flush.next + sends, subscriptions.length);
    for (; flush.next < end; flush.next += 1) {
      this.#write(batch, subscriptions[flush.next] as Subscription);
    }
    const nowMs = this.#clock.monotonicMs();
    flush.spentMs += nowMs - startedAtMs;
    if (flush.next < subscriptions.length) return;
    this.#flushing.delete(flush.audience);
    flush.audience.unwrittenFrom = flush.audience.pending?.entries[0]?.offset;
    if (flush.audience.pending === undefined) this.#unwritten.delete(flush.audience);
    this.#rest(flush.audience, nowMs, flush.spentMs);
    this.#onFlushed(batch.entries);
    if (flush.audience.pending !== undefined) this.#await(flush.audience);
  }

  #write(batch: PendingBatch, subscription: Subscription): void {
    if (subscription.ended || subscription.behind) return;
    const pieces = batch.piecesFor(subscription, this.#writer.frames, this.#writer.pieceBytes);
    this.#writer.writePieces(subscription, pieces);
  }

  /** Sets when an audience may be flushed next. */
  #rest(audience: Audience, nowMs: number, spentMs: number): void {
    const restMs = Math.max(this.#windowMs, Math.min(spentMs, MAX_RESTING_MS));
    if (restMs < MIN_RESTING_MS) return;
    this.#notBefore.set(audience, nowMs + restMs);
    // In the order in which they were set, so nearly in the order of their times.
    for (const [rested, notBeforeMs] of this.#notBefore) {
      if (notBeforeMs > nowMs) break;
      this.#notBefore.delete(rested);
    }
  }

  #subscriptions(audience: Audience, batch: PendingBatch): Subscription[] {
    const { onlyFor } = batch;
    if (!(audience instanceof Room)) {
      const sessions =
        onlyFor === undefined ? this.#hub.sessions.values() : this.#hub.sessionsOf(onlyFor);
      return Array.from(sessions, (session) => session.self);
    }
    if (onlyFor === undefined) return [...audience.members.values()];
    const subscriptions: Subscription[] = [];
    for (const session of this.#hub.sessionsOf(onlyFor)) {
      const subscription = audience.members.get(session);
      if (subscription !== undefined) subscriptions.push(subscription);
    }
    return subscriptions;
  }
}
