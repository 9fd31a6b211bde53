import { isAbove } from "@pushcast/log";
import type { Clock } from "@pushcast/runtime";
import type { Hub } from "./hub.ts";
import { isFor, type NodeEntry, type NodeLog } from "./node-log.ts";
import { PieceBuilder } from "./pending-batch.ts";
import type { Session, Subscription } from "./session.ts";
import type { Writer } from "./writer.ts";

/** With more subscriptions than this concerned, one gap says it for all. */
const GAPS_BY_SUBSCRIPTION = 10;

export interface CatchUpBudget {
  /** Entries that one session gets before another has its turn. */
  readonly sessionEntries: number;
  /** Entries that all sessions together get before live delivery has its turn. */
  readonly entries: number;
}

/** How long sessions are filled before live delivery has its turn, also where they get little. */
const SLICE_MS = 5;

/**
 * Fills sessions from the log: those that lag, once their sockets drain, and subscriptions that were
 * held. Reads only the index lists of the session's own subscriptions, merged by offset, and takes
 * turns with live delivery. What the log has evicted meanwhile is said by a `gap`.
 */
export class CatchUp {
  readonly #hub: Hub;
  readonly #log: NodeLog;
  readonly #writer: Writer;
  readonly #budget: CatchUpBudget;
  readonly #clock: Clock;
  readonly #onGap: () => void;
  readonly #waiting = new Set<Session>();
  #scheduled = false;

  constructor(init: {
    hub: Hub;
    log: NodeLog;
    writer: Writer;
    budget: CatchUpBudget;
    clock: Clock;
    /** A gap was said because the log no longer has it; for metrics. */
    onGap: () => void;
  }) {
    this.#hub = init.hub;
    this.#log = init.log;
    this.#writer = init.writer;
    this.#budget = init.budget;
    this.#clock = init.clock;
    this.#onGap = init.onGap;
  }

  /** Fills a session that is behind, soon and as far as its socket takes it. */
  start(session: Session): void {
    this.#waiting.add(session);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  /**
   * Says what these subscriptions of a session, which are behind, have lost to eviction since their
   * offsets, and moves them past it.
   */
  sayGaps(session: Session, subscriptions: readonly Subscription[]): void {
    const concerned = subscriptions.filter(
      (subscription) => this.#hub.evictedBelow(subscription) > subscription.offset,
    );
    if (concerned.length === 0) return;
    // What follows is still in the log, so it is above the tails.
    const position = this.#log.tails();
    for (const subscription of concerned) subscription.offset = this.#log.start;
    if (concerned.length > GAPS_BY_SUBSCRIPTION) {
      this.#writer.send(session, { type: "gap", scope: "all", position });
      this.#onGap();
      return;
    }
    for (const { room } of concerned) {
      this.#writer.send(
        session,
        room === undefined
          ? { type: "gap", scope: "self", position }
          : { type: "gap", room: room.id, scope: "room", position },
      );
      this.#onGap();
    }
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    const endsAtMs = this.#clock.monotonicMs() + SLICE_MS;
    let budget = this.#budget.entries;
    for (const session of this.#waiting) {
      this.#waiting.delete(session);
      budget -= this.#turn(session, Math.min(budget, this.#budget.sessionEntries));
      if (budget <= 0 || this.#clock.monotonicMs() >= endsAtMs) break;
    }
    if (this.#waiting.size > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#run);
    }
  };

  /** One session's turn. Returns how many entries it took. */
  #turn(session: Session, budget: number): number {
    if (session.closed) return 0;
    if (!this.#writer.hasRoom(session)) {
      this.#writer.lag(session); // the drain of its socket starts the next turn
      return 0;
    }
    const behind = [...session.subscriptions()].filter(
      ({ state }) => state === "filling" || (state === "live" && session.lagging),
    );
    this.sayGaps(session, behind);
    const { entries, outcome } = this.#fill(session, behind, budget);
    if (outcome === "budget spent") this.start(session);
    else if (outcome === "done") this.#goLive(session);
    else this.#writer.lag(session);
    return entries;
  }

  #goLive(session: Session): void {
    for (const subscription of session.subscriptions()) {
      if (subscription.state !== "filling") continue;
      subscription.above = undefined;
      this.#hub.setState(subscription, "live");
    }
    this.#hub.setLagging(session, false);
  }

  #fill(
    session: Session,
    subscriptions: readonly Subscription[],
    budget: number,
  ): { entries: number; outcome: "done" | "budget spent" | "socket full" } {
    const merge = this.#log.merge(subscriptions);
    const { frames, pieceBytes } = this.#writer;
    const builder = new PieceBuilder(session.codec, frames, pieceBytes);
    const write = (): boolean => {
      const piece = builder.build();
      return piece === undefined || this.#writer.writePiece(session, piece);
    };
    let entries = 0;
    for (let next = merge.peek(); next !== undefined; next = merge.peek()) {
      if (entries >= budget) {
        return { entries, outcome: write() ? "budget spent" : "socket full" };
      }
      const entry = this.#log.at(next.at);
      if (
        entry !== undefined &&
        this.#isDue(entry, next.cursor.subscription) &&
        !builder.add(entry)
      ) {
        if (!write()) return { entries, outcome: "socket full" };
        builder.add(entry);
      }
      next.cursor.subscription.offset = next.at + 1;
      merge.advance();
      entries += 1;
    }
    return { entries, outcome: write() ? "done" : "socket full" };
  }

  /** Whether an entry of a subscription's target is for its user, and not one that it had before. */
  #isDue(entry: NodeEntry, { session, above }: Subscription): boolean {
    const { epoch, seq } = entry.publication;
    if (!isFor(entry, session.userId)) return false;
    if (above === undefined) return true;
    // Copies may outlive the table's knowledge of their epoch. Positions that were given since do not
    // name it, and whoever may be recovered now had its publications long ago.
    return this.#log.epochs.get(epoch) !== undefined && isAbove(above, epoch, seq);
  }
}
