const SECOND_MS = 1_000;

/** How many handshakes each address has had in the second that runs. It remembers none before. */
export class AddressRate {
  readonly #perSecond: number;
  readonly #counts = new Map<string, number>();
  #second = Number.NEGATIVE_INFINITY;

  /** @param perSecond 0 is any number */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Counts one, if the address may have it. */
  take(address: string, nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    const second = Math.floor(nowMs / SECOND_MS);
    if (second !== this.#second) this.#counts.clear();
    this.#second = second;
    const count = this.#counts.get(address) ?? 0;
    if (count >= this.#perSecond) return false;
    this.#counts.set(address, count + 1);
    return true;
  }
}
