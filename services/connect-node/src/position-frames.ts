import type { Clock, TimerHandle } from "@pushcast/runtime";
import type { Flusher } from "./flusher.ts";
import type { Hub } from "./hub.ts";
import type { NodeLog } from "./node-log.ts";
import type { Session } from "./session.ts";
import type { Writer } from "./writer.ts";

/** The share of an entry's life in the log after which every client has a newer position. */
const LIFETIME_SHARE = 0.25;
const MIN_INTERVAL_MS = 1_000;
/** How often it is looked whether a round is due, in an interval. */
const LOOKS = 4;

/**
 * Tells clients now and then up to where everything has been written to them, so that one in a quiet
 * room has a position that the log still covers when it resumes. The bytes are the same for all; who
 * lags, is replayed or holds *self* is left out until the next round.
 */
export class PositionFrames {
  readonly #hub: Hub;
  readonly #log: NodeLog;
  readonly #flusher: Flusher;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #logMs: number;
  readonly #sliceSends: number;
  #ticker: TimerHandle;
  /** When the last round ended: a session that it told last must not be told at once again. */
  #toldAtMs: number;
  /** The sessions of this round that have not been told yet. */
  #untold: Iterator<Session> | undefined;

  constructor(init: {
    hub: Hub;
    log: NodeLog;
    flusher: Flusher;
    writer: Writer;
    clock: Clock;
    /** The log keeps nothing for longer. */
    logMs: number;
    /** Sends in one turn of the event loop. */
    sliceSends: number;
  }) {
    this.#hub = init.hub;
    this.#log = init.log;
    this.#flusher = init.flusher;
    this.#writer = init.writer;
    this.#clock = init.clock;
    this.#logMs = init.logMs;
    this.#sliceSends = init.sliceSends;
    this.#toldAtMs = init.clock.monotonicMs();
  }

  start(): void {
    this.#ticker = this.#clock.setInterval(() => this.#look(), this.#shortestMs / LOOKS, {
      unref: true,
    });
  }

  stop(): void {
    this.#clock.clearInterval(this.#ticker);
    this.#untold = undefined;
  }

  get #shortestMs(): number {
    return Math.min(MIN_INTERVAL_MS, this.#logMs * LIFETIME_SHARE);
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(this.#shortestMs, this.#log.lifetimeMs(nowMs) * LIFETIME_SHARE);
    if (this.#untold !== undefined || nowMs - this.#toldAtMs < dueMs) return;
    this.#untold = this.#hub.sessions.values();
    this.#tellSlice();
  }

  readonly #tellSlice = (): void => {
    if (this.#untold === undefined) return;
    // Not beyond what still waits for its flush.
    const dealtWith = this.#flusher.unwrittenFrom ?? this.#log.end;
    if (dealtWith < this.#log.start) {
      // Where that is evicted by now, no position can be told; the next round is soon enough.
      this.#endRound();
      return;
    }
    const sessions: Session[] = [];
    while (sessions.length < this.#sliceSends) {
      const { done, value: session } = this.#untold.next();
      if (done === true) {
        this.#endRound();
        break;
      }
      if (!session.behind) sessions.push(session);
    }
    const position = this.#log.positionAt(dealtWith);
    if (position.size > 0) this.#writer.sendToAll(sessions, { type: "position", position });
    if (this.#untold !== undefined) setImmediate(this.#tellSlice);
  };

  #endRound(): void {
    this.#untold = undefined;
    this.#toldAtMs = this.#clock.monotonicMs();
  }
}
