/** Buckets for each doubling: what a percentile says is at most 9 % too high. */
const BUCKETS_PER_DOUBLING = 8;
const LEAST_MS = 0.01;
/** Up to 10 minutes, which ACK_TIMEOUT_MS may be. */
const BUCKETS = Math.ceil(Math.log2(600_000 / LEAST_MS) * BUCKETS_PER_DOUBLING) + 1;

/** Durations of a short time, for their percentiles. */
export class LatencyWindow {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  add(ms: number): void {
    const bucket = Math.ceil(Math.log2(ms / LEAST_MS) * BUCKETS_PER_DOUBLING);
    const index = Math.min(BUCKETS - 1, Math.max(0, bucket));
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total += 1;
  }

  /**
   * What that share of the durations did not exceed, in milliseconds; undefined if there are none.
   * @param share from 0 to 1
   */
  percentile(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    const rank = Math.max(1, Math.ceil(this.#total * share));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return LEAST_MS * 2 ** (bucket / BUCKETS_PER_DOUBLING);
    }
    return undefined;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }
}
