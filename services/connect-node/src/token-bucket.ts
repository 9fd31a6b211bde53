/** So many at once after a quiet time, and so many a second in the long run. */
export class TokenBucket {
  #tokens: number;
  #updatedAtMs: number;

  /** Full at first. */
  constructor(burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#updatedAtMs = nowMs;
  }

  /** Takes one, if there is one. Rate and burst are handed in, so that a bucket is small. */
  take(nowMs: number, { ratePerSecond, burst }: TokenRate): boolean {
    const added = ((nowMs - this.#updatedAtMs) / 1000) * ratePerSecond;
    this.#tokens = Math.min(burst, this.#tokens + added);
    this.#updatedAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

export interface TokenRate {
  readonly ratePerSecond: number;
  readonly burst: number;
}
