/** Neighbouring buckets differ by this factor: a value is told to within 1 %. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** From 1 µs to over ten minutes. */
const BUCKETS = 1024;

/** Durations in buckets, so that millions of them take no memory. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #max = 0;

  add(micros: number): void {
    const bucket =
      micros <= 1 ? 0 : Math.min(BUCKETS - 1, Math.round(Math.log(micros) / LOG_GROWTH));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    if (micros > this.#max) this.#max = micros;
  }

  /** The largest, in microseconds. */
  get max(): number {
    return this.#max;
  }

  /** In microseconds; NaN while it is empty. */
  quantile(share: number): number {
    const wanted = this.#counts.reduce((total, count) => total + count, 0) * share;
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (count > 0 && seen >= wanted) return Math.min(this.#max, GROWTH ** bucket);
    }
    return Number.NaN;
  }
}
