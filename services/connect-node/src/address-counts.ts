/** How many sessions an address has. Its sessions share it. */
export interface AddressCount {
  readonly address: string;
  sessions: number;
}

/** The addresses that have sessions. */
export class AddressCounts {
  readonly #counts = new Map<string, AddressCount>();

  sessionsOf(address: string): number {
    return this.#counts.get(address)?.sessions ?? 0;
  }

  /** A session of the address is there, until `remove` is called with what this returns. */
  add(address: string): AddressCount {
    let count = this.#counts.get(address);
    if (count === undefined) {
      count = { address, sessions: 0 };
      this.#counts.set(address, count);
    }
    count.sessions += 1;
    return count;
  }

  remove(count: AddressCount): void {
    count.sessions -= 1;
    if (count.sessions === 0) this.#counts.delete(count.address);
  }
}
