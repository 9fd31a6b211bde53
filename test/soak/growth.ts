/** How much more than before counts as growth: both must be exceeded. */
export interface Allowance {
  /** Of the earlier mean. */
  readonly share: number;
  /** In the unit of the values. */
  readonly amount: number;
}

export interface TimedValue {
  readonly atMs: number;
  readonly value: number;
}

/** Means of the quarters of a run. */
export interface Quarters {
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly last: number;
}

/** @throws {Error} if a quarter has no value */
export function quarters(values: readonly TimedValue[], fromMs: number, toMs: number): Quarters {
  const quarterMs = (toMs - fromMs) / 4;
  const mean = (quarter: number) => {
    const startsAtMs = fromMs + quarter * quarterMs;
    const isIn = ({ atMs }: TimedValue) => atMs >= startsAtMs && atMs < startsAtMs + quarterMs;
    const inside = values.filter(isIn);
    if (inside.length === 0) throw new Error(`no value in quarter ${quarter + 1}`);
    return inside.reduce((sum, { value }) => sum + value, 0) / inside.length;
  };
  return { first: mean(0), second: mean(1), third: mean(2), last: mean(3) };
}

/**
 * Whether the last quarter lies above the second by more than is allowed. In the first quarter logs,
 * tables of keys and the engine's own memory still fill up.
 */
export function grows({ second, last }: Quarters, { share, amount }: Allowance): boolean {
  return last > second * (1 + share) && last > second + amount;
}
