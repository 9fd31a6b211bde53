import type { Clock } from "@pushcast/runtime";
import type { Session } from "../session.ts";

/** Sessions that are closed in one turn of the event loop: a storm's tokens may end in one second. */
const SLICE = 256;

/** Which sessions' tokens end when: a bucket for each second, and no timer of its own. */
export class TokenExpiries {
  readonly #clock: Clock;
  readonly #toleranceMs: number;
  readonly #close: (session: Session) => void;
  readonly #buckets = new Map<number, Set<Session>>();

  /** @param init.close ends a session whose token has expired, `toleranceMs` after that */
  constructor(init: { clock: Clock; toleranceMs: number; close: (session: Session) => void }) {
    this.#clock = init.clock;
    this.#toleranceMs = init.toleranceMs;
    this.#close = init.close;
  }

  /** Follows a session until `remove`, by the token that it has. */
  add(session: Session): void {
    const second = this.#secondOf(session);
    if (second === undefined) return;
    const bucket = this.#buckets.get(second);
    if (bucket === undefined) this.#buckets.set(second, new Set([session]));
    else bucket.add(session);
  }

  /** Also before the session gets another token. */
  remove(session: Session): void {
    const second = this.#secondOf(session);
    if (second === undefined) return;
    const bucket = this.#buckets.get(second);
    bucket?.delete(session);
    if (bucket?.size === 0) this.#buckets.delete(second);
  }

  /** Closes those whose time has come. The owner calls it about once a second. */
  closeExpired(): void {
    const nowSecond = Math.floor(this.#clock.now() / 1000);
    for (const [second, bucket] of this.#buckets) {
      if (second <= nowSecond) this.#closeSlice(bucket);
    }
  }

  /** Closing takes them out of the bucket. */
  #closeSlice(bucket: ReadonlySet<Session>): void {
    let closed = 0;
    for (const session of bucket) {
      if (closed === SLICE) {
        setImmediate(() => this.#closeSlice(bucket));
        return;
      }
      this.#close(session);
      closed += 1;
    }
  }

  /** The first whole second in which its token is not taken any more. */
  #secondOf({ identity: { expiresAtMs } }: Session): number | undefined {
    if (expiresAtMs === undefined) return undefined;
    return Math.ceil((expiresAtMs + this.#toleranceMs) / 1000);
  }
}
