/**
 * How far another clock is ahead of this machine's, in milliseconds: no less than `least` and no more
 * than `most`. Negative: it is behind.
 */
export interface ClockOffset {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** One look at another clock: what it said, between two moments of this machine's clock. */
export interface ClockSample {
  readonly saidMs: number;
  /** It may have cut off as much of what it knew: 1000 where it says whole seconds. */
  readonly resolutionMs: number;
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

/** What one sample proves. */
function offsetOf({ saidMs, resolutionMs, askedAtMs, answeredAtMs }: ClockSample): ClockOffset {
  return { leastMs: saidMs - answeredAtMs, mostMs: saidMs + resolutionMs - askedAtMs };
}

/**
 * What all samples together prove: several looks at a clock of whole seconds, at different parts of a
 * second, tell more than one. Undefined if there is none; where they contradict each other, because a
 * clock was set meanwhile or a server keeps the time of its last look, the range of all of them.
 */
export function offsetFrom(samples: readonly ClockSample[]): ClockOffset | undefined {
  if (samples.length === 0) return undefined;
  const offsets = samples.map(offsetOf);
  const leastMs = Math.max(...offsets.map((offset) => offset.leastMs));
  const mostMs = Math.min(...offsets.map((offset) => offset.mostMs));
  if (leastMs <= mostMs) return { leastMs, mostMs };
  return {
    leastMs: Math.min(...offsets.map((offset) => offset.leastMs)),
    mostMs: Math.max(...offsets.map((offset) => offset.mostMs)),
  };
}
