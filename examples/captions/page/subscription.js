const POSITION_ENTRIES = 100;

/** A room or *self*: up to where it was read, and to which connection it listens. */
export class Subscription {
  /** @type {Map<string, number>} seq by epoch; those not named for longest stand first */
  #position = new Map();
  /** The one on which it was asked for last: it listens to no other. */
  #connection;
  #askedId = 0;
  #isAnswered = false;
  /** When it was listened to last; undefined if never. */
  #heardAtMs;

  /** What to ask for on a connection. Until that has answered, it listens to none. */
  request(connection, id) {
    const nowMs = performance.now();
    if (this.#isAnswered) this.#heardAtMs = nowMs;
    this.#connection = connection;
    this.#askedId = id;
    this.#isAnswered = false;
    const away_ms = this.#heardAtMs === undefined ? 0 : Math.round(nowMs - this.#heardAtMs);
    return { id, position: Object.fromEntries(this.#position), away_ms };
  }

  /**
   * Takes the answer if it is the one to the last request.
   *
   * @returns {"stale" | "complete" | "missed"} whether something before it may have been missed
   */
  answer(connection, { id, position, recovered }) {
    if (connection !== this.#connection || id !== this.#askedId) return "stale";
    const outcome = !recovered && this.#heardAtMs !== undefined ? "missed" : "complete";
    this.#isAnswered = true;
    this.#heardAtMs = performance.now();
    this.#position = new Map(Object.entries(position));
    return outcome;
  }

  /** Whether what this connection says is to be heeded. */
  listensTo(connection) {
    return this.#isAnswered && connection === this.#connection;
  }

  /** The connection has ended. */
  ended(connection) {
    if (!this.listensTo(connection)) return;
    this.#heardAtMs = connection.heardAtMs;
    this.#isAnswered = false;
  }

  raise(position) {
    for (const [epoch, seq] of Object.entries(position)) this.advance(epoch, seq);
  }

  /** Returns whether the seq is above the position, which then is raised to it. */
  advance(epoch, seq) {
    const before = this.#position.get(epoch) ?? 0;
    this.#position.delete(epoch);
    this.#position.set(epoch, Math.max(before, seq));
    if (this.#position.size > POSITION_ENTRIES) {
      const [oldest] = this.#position.keys();
      this.#position.delete(oldest);
    }
    return seq > before;
  }
}
