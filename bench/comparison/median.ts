import type { Measurement } from "./measurement.ts";

/** The fields of a measurement that are numbers. */
export type Figure = {
  [Name in keyof Measurement]: Measurement[Name] extends number | undefined ? Name : never;
}[keyof Measurement];

/** Of the server's core; where others took more, a round counts only if there is no better one. */
export const MAX_OTHERS_CPU = 0.15;

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return (lower + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The rounds of one system under one workload that count. */
export class Rounds {
  readonly measurements: readonly Measurement[];
  /** Whether others took more than that in all of them. */
  readonly isDisturbed: boolean;

  constructor(all: readonly Measurement[], system: string, workload: string) {
    const rounds = all.filter((one) => one.system === system && one.workload === workload);
    const undisturbed = rounds.filter(({ othersCpu }) => othersCpu <= MAX_OTHERS_CPU);
    this.isDisturbed = rounds.length > 0 && undisturbed.length === 0;
    this.measurements = undisturbed.length > 0 ? undisturbed : rounds;
  }

  /** NaN where nothing was measured. */
  median(figure: Figure): number {
    return median(this.#values(figure));
  }

  sum(figure: Figure): number {
    return this.#values(figure).reduce((total, value) => total + value, 0);
  }

  #values(figure: Figure): number[] {
    return this.measurements
      .map((measurement) => measurement[figure])
      .filter((value) => value !== undefined && value !== null);
  }
}
