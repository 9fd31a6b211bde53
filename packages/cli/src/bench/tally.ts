import { Histogram } from "./histogram.ts";
import { Sequence } from "./sequence.ts";

export interface TallyInit {
  /** How many clients each room has, by its index. */
  readonly membersOfRoom: readonly number[];
  /** Pushes at the beginning that are sent and not measured. */
  readonly warmUp: number;
  /** All pushes, the first ones included. */
  readonly pushes: number;
}

/** What came of the pushes that were measured. */
export interface TallyResult {
  readonly accepted: number;
  readonly delivered: number;
  readonly lost: number;
  readonly repeated: number;
  /** From the call to the client. */
  readonly latency: Histogram;
}

type Moment = number;

/**
 * Counts what comes: each push, at each client of its room, once. Push n goes to room n modulo the
 * number of rooms. Moments are milliseconds of one clock.
 */
export class Tally {
  readonly #init: TallyInit;
  readonly #sentAt: Float64Array;
  readonly #isAccepted: Uint8Array;
  /** At how many clients each push has come. */
  readonly #arrivals: Uint32Array;
  readonly #latency = new Histogram();
  #delivered = 0;
  #repeated = 0;
  #lastArrival = Number.NaN;

  constructor(init: TallyInit) {
    this.#init = init;
    this.#sentAt = new Float64Array(init.pushes);
    this.#isAccepted = new Uint8Array(init.pushes);
    this.#arrivals = new Uint32Array(init.pushes);
  }

  /** What a client keeps for itself, to be handed in with all that comes to it. */
  newClient(): Sequence {
    return new Sequence(0);
  }

  sent(push: number, at: Moment): void {
    this.#sentAt[push] = at;
  }

  accepted(push: number): void {
    this.#isAccepted[push] = 1;
  }

  arrived(push: number, client: Sequence, at: Moment): void {
    const sentAt = this.#sentAt[push];
    if (sentAt === undefined) return;
    const isMeasured = push >= this.#init.warmUp;
    if (!client.receive(Math.floor(push / this.#rooms))) {
      if (isMeasured) this.#repeated += 1;
      return;
    }
    this.#arrivals[push] = (this.#arrivals[push] ?? 0) + 1;
    this.#lastArrival = at;
    if (!isMeasured) return;
    this.#delivered += 1;
    this.#latency.add((at - sentAt) * 1_000);
  }

  /** Of those that were measured; NaN before the first. */
  get lastArrival(): Moment {
    return this.#lastArrival;
  }

  /** Deliveries that are still to come, or are lost. */
  get missing(): number {
    let missing = 0;
    for (let push = this.#init.warmUp; push < this.#init.pushes; push += 1) {
      if (this.#isAccepted[push] === 0) continue;
      const members = this.#init.membersOfRoom[push % this.#rooms] ?? 0;
      missing += Math.max(0, members - (this.#arrivals[push] ?? 0));
    }
    return missing;
  }

  get result(): TallyResult {
    const measured = this.#isAccepted.subarray(this.#init.warmUp);
    return {
      accepted: measured.reduce((sum, isAccepted) => sum + isAccepted, 0),
      delivered: this.#delivered,
      lost: this.missing,
      repeated: this.#repeated,
      latency: this.#latency,
    };
  }

  get #rooms(): number {
    return this.#init.membersOfRoom.length;
  }
}
