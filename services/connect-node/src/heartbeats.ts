import type { Clock, TimerHandle } from "@pushcast/runtime";
import type { Session } from "./session.ts";

/** Buckets that are served one after another, so that a node does not ping all its sessions at once. */
const BUCKETS = 16;
/** Sessions that are served in one turn of the event loop: a bucket may hold all that came in a storm. */
const SLICE = 256;

/** One timer for the heartbeats of all sessions: a wheel whose buckets come round each interval. */
export class Heartbeats {
  readonly #buckets = Array.from({ length: BUCKETS }, () => new Set<Session>());
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #beat: (session: Session) => void;
  #ticker: TimerHandle;
  #next = 0;

  constructor(init: { clock: Clock; intervalMs: number; beat: (session: Session) => void }) {
    this.#clock = init.clock;
    this.#intervalMs = init.intervalMs;
    this.#beat = init.beat;
  }

  start(): void {
    this.#ticker = this.#clock.setInterval(() => this.#tick(), this.#intervalMs / BUCKETS, {
      unref: true,
    });
  }

  stop(): void {
    this.#clock.clearInterval(this.#ticker);
  }

  /** The session is first served after a whole interval. */
  add(session: Session): void {
    this.#buckets[(this.#next + BUCKETS - 1) % BUCKETS]?.add(session);
  }

  remove(session: Session): void {
    // Looked for, and not remembered: a session is removed once, and takes memory all its life.
    for (const bucket of this.#buckets) if (bucket.delete(session)) return;
  }

  #tick(): void {
    const bucket = this.#buckets[this.#next] as Set<Session>;
    this.#next = (this.#next + 1) % BUCKETS;
    this.#beatSlice(bucket, [...bucket], 0);
  }

  #beatSlice(bucket: ReadonlySet<Session>, sessions: readonly Session[], from: number): void {
    const end = from + SLICE;
    for (const session of sessions.slice(from, end)) {
      if (bucket.has(session)) this.#beat(session);
    }
    if (end < sessions.length) setImmediate(() => this.#beatSlice(bucket, sessions, end));
  }
}
