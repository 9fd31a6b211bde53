/** A map whose entries end after a time, with room for so many; the oldest gives way. */
export class ExpiringMap<Value> {
  readonly #maxEntries: number;
  readonly #monotonicMs: () => number;
  /** The one set last stands last. */
  readonly #entries = new Map<string, { readonly value: Value; readonly untilMs: number }>();

  constructor(maxEntries: number, monotonicMs: () => number) {
    this.#maxEntries = maxEntries;
    this.#monotonicMs = monotonicMs;
  }

  /** With those that have ended and were not looked for since. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#monotonicMs() < entry.untilMs) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value, lifeMs: number): void {
    this.#entries.delete(key);
    this.#dropOldest();
    if (this.#maxEntries === 0 || lifeMs <= 0) return;
    this.#entries.set(key, { value, untilMs: this.#monotonicMs() + lifeMs });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Those that have ended, and one more where a new one would find no room. */
  #dropOldest(): void {
    const nowMs = this.#monotonicMs();
    for (const [key, { untilMs }] of this.#entries) {
      if (nowMs < untilMs && this.#entries.size < this.#maxEntries) return;
      this.#entries.delete(key);
    }
  }
}
