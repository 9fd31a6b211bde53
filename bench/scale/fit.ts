import { dot, fitCoefficients } from "./least-squares.ts";
import type { Quantity } from "./quantities.ts";
import type { Run } from "./run.ts";
import { type Situation, situationOf } from "./situation.ts";

/** Seconds for which a process that was woken takes in what comes; which of them fits best is looked for. */
const AWAKE_SECONDS = [0, ...Array.from({ length: 60 }, (_, n) => 2e-5 * 1.1 ** n)];

/** A quantity with its coefficients. */
export class Fit {
  readonly quantity: Quantity;
  /** Of the quantity's terms, in its unit. */
  readonly coefficients: readonly number[];
  readonly awakeSeconds: number;

  /** @throws if the runs say nothing about one of the terms */
  constructor(quantity: Quantity, runs: readonly Run[]) {
    this.quantity = quantity;
    const candidates = (quantity.hasWakeUps ? AWAKE_SECONDS : [0]).map((awakeSeconds) => {
      const equations = equationsOf(quantity, runs, awakeSeconds);
      const coefficients = fitCoefficients(equations);
      const error = equations.reduce(
        (sum, { terms, value, weight }) => sum + weight * (dot(terms, coefficients) - value) ** 2,
        0,
      );
      return { awakeSeconds, coefficients, error };
    });
    const best = candidates.reduce((least, one) => (one.error < least.error ? one : least));
    this.coefficients = best.coefficients;
    this.awakeSeconds = best.awakeSeconds;
  }

  /** In the quantity's unit; by second, where it is no ratio. */
  predict(situation: Situation): number {
    return dot(amounts(this.quantity, situation, this.awakeSeconds), this.coefficients);
  }

  /** How far predictions are off, without signs, on average; runs below the quantity's floor are left out. */
  meanError(runs: readonly Run[]): number {
    const { measured, floor } = this.quantity;
    const errors = runs.flatMap((run) => {
      const value = measured(run);
      if (value === undefined || value < floor) return [];
      return [Math.abs(this.predict(situationOf(run)) / value - 1)];
    });
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  }

  /** What a prediction is added up from: of each term its amount and its coefficient. */
  parts(situation: Situation): { of: string; amount: number; coefficient: number }[] {
    const all = amounts(this.quantity, situation, this.awakeSeconds);
    return this.quantity.terms.map(({ of }, n) => ({
      of,
      amount: all[n] ?? Number.NaN,
      coefficient: this.coefficients[n] ?? Number.NaN,
    }));
  }
}

function equationsOf(quantity: Quantity, runs: readonly Run[], awakeSeconds: number) {
  return runs.flatMap((run) => {
    const value = quantity.measured(run);
    if (value === undefined) return [];
    const terms = amounts(quantity, situationOf(run), awakeSeconds);
    // So that it is the relative error that is made small.
    return [{ terms, value, weight: 1 / Math.max(value, quantity.floor) ** 2 }];
  });
}

function amounts({ terms }: Quantity, situation: Situation, awakeSeconds: number): number[] {
  const wakeUps = (events: number) => events / (1 + events * awakeSeconds);
  return terms.map(({ amount }) => amount(situation, wakeUps));
}
