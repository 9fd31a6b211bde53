import type { SampleMessage } from "@pushcast/push-manager/console";

/** What plots show: five minutes. */
export const WINDOW_SECONDS = 300;
/** Samples further apart have a hole between them: nobody knows what happened there. */
const HOLE_SECONDS = 3;
/** The first sample may be shorter: one push in it would be hundreds a second. */
const MIN_RATE_SECONDS = 0.5;

type Line = (number | null)[];

/** The samples of the last minutes, as lines to be drawn; null where there is nothing to say. */
export class History {
  /** Unix seconds. */
  readonly times: number[] = [];
  readonly pushes: Line = [];
  readonly refused: Line = [];
  readonly deliveries: Line = [];
  readonly p50: Line = [];
  readonly p90: Line = [];
  readonly p99: Line = [];
  /** Percent of the sends to nodes that had nobody. */
  readonly waste: Line = [];
  readonly lag: Line = [];

  get #lines(): readonly Line[] {
    const { pushes, refused, deliveries, p50, p90, p99, waste, lag } = this;
    return [pushes, refused, deliveries, p50, p90, p99, waste, lag];
  }

  add(sample: SampleMessage): void {
    const seconds = sample.atMs / 1000;
    const last = this.times.at(-1);
    // A clock that was set back: what was drawn is not comparable.
    if (last !== undefined && seconds <= last) this.clear();
    else if (last !== undefined && seconds - last > HOLE_SECONDS) this.#addHole(last + 1);
    const rate = (count: number) =>
      sample.seconds >= MIN_RATE_SECONDS ? count / sample.seconds : null;
    this.times.push(seconds);
    this.pushes.push(rate(sample.pushes));
    this.refused.push(rate(sample.refused));
    this.deliveries.push(rate(sample.deliveries));
    this.p50.push(sample.latencyMs?.p50 ?? null);
    this.p90.push(sample.latencyMs?.p90 ?? null);
    this.p99.push(sample.latencyMs?.p99 ?? null);
    this.waste.push(waste(sample));
    this.lag.push(sample.maxLag);
    while ((this.times[0] ?? seconds) < seconds - WINDOW_SECONDS) {
      for (const line of [this.times, ...this.#lines]) line.shift();
    }
  }

  clear(): void {
    for (const line of [this.times, ...this.#lines]) line.length = 0;
  }

  #addHole(seconds: number): void {
    this.times.push(seconds);
    for (const line of this.#lines) line.push(null);
  }
}

/** An acknowledgement may come a sample later than its push: then more matched than was sent. */
function waste({ nodeSends, nodeMatches }: SampleMessage): number | null {
  if (nodeSends === 0) return null;
  return Math.max(0, 100 * (1 - nodeMatches / nodeSends));
}
