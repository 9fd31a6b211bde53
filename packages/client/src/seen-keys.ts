/** The most keys that are remembered. */
const MAX_SEEN_KEYS = 1024;

/** The keys of the last messages: a push that was retried through another manager has the same. */
export class SeenKeys {
  /** Those seen longest ago come first. */
  readonly #keys = new Set<string>();

  /** Remembers a key. @returns whether it was remembered already */
  see(key: string): boolean {
    const seen = this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size > MAX_SEEN_KEYS) {
      for (const oldest of this.#keys) {
        this.#keys.delete(oldest);
        break;
      }
    }
    return seen;
  }
}
