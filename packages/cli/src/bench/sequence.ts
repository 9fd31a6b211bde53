/** What one client has had of the numbers of its room. */
export class Sequence {
  received = 0;
  repeated = 0;
  outOfOrder = 0;
  readonly #from: number;
  #next: number;
  #missing: Set<number> | undefined;

  /** @param from numbers below it are not looked at */
  constructor(from: number) {
    this.#from = from;
    this.#next = from;
  }

  /** One above the highest that came. */
  get next(): number {
    return this.#next;
  }

  /** Those that did not come although a later one did. */
  get lost(): number {
    return this.#missing?.size ?? 0;
  }

  /** Returns whether it counts as a delivery. */
  receive(n: number): boolean {
    if (n === this.#next) {
      this.#next += 1;
      this.received += 1;
      return true;
    }
    return this.#receiveUnexpected(n);
  }

  #receiveUnexpected(n: number): boolean {
    if (n < this.#from) return false;
    if (n < this.#next) {
      if (this.#missing?.delete(n) !== true) {
        this.repeated += 1;
        return false;
      }
      this.outOfOrder += 1;
    } else {
      this.#missing ??= new Set();
      for (let missing = this.#next; missing < n; missing += 1) this.#missing.add(missing);
      this.#next = n + 1;
    }
    this.received += 1;
    return true;
  }
}
