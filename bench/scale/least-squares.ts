/** One equation: what its terms are multiplied with has to give its value. */
export interface Equation {
  readonly terms: readonly number[];
  readonly value: number;
  /** How much its error counts. */
  readonly weight: number;
}

const MAX_SWEEPS = 200_000;
const SMALLEST_CHANGE = 1e-13;

/**
 * The coefficients, none of them negative, for which the sum of weight × error² is smallest. A cost
 * that came out below zero would be noise of another one.
 *
 * It goes round the coefficients and sets each to what is best for it while the others stay. The sum
 * has one smallest value, and this goes down to it.
 *
 * @throws if a term is zero in all equations, so that they say nothing about its coefficient
 */
export function fitCoefficients(equations: readonly Equation[]): number[] {
  const count = equations[0]?.terms.length ?? 0;
  const indexes = Array.from({ length: count }, (_, n) => n);
  const product = (i: number, j: number) =>
    sum(equations.map(({ terms, weight }) => weight * at(terms, i) * at(terms, j)));
  // Terms differ by powers of ten: each is measured in its own size.
  const sizes = indexes.map((i) => Math.sqrt(product(i, i)));
  for (const i of indexes) if (sizes[i] === 0) throw new Error(`nothing was measured of term ${i}`);
  const normal = indexes.map((i) =>
    indexes.map((j) => product(i, j) / at(sizes, i) / at(sizes, j)),
  );
  const wanted = indexes.map(
    (i) =>
      sum(equations.map(({ terms, value, weight }) => weight * at(terms, i) * value)) /
      at(sizes, i),
  );

  const scaled = indexes.map(() => 0);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep += 1) {
    let largestChange = 0;
    for (const i of indexes) {
      const before = at(scaled, i);
      const rest = at(wanted, i) - dot(normal[i] ?? [], scaled);
      const after = Math.max(0, before + rest);
      scaled[i] = after;
      largestChange = Math.max(largestChange, Math.abs(after - before));
    }
    if (largestChange <= SMALLEST_CHANGE * Math.max(...scaled)) break;
  }
  return scaled.map((coefficient, i) => coefficient / at(sizes, i));
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return sum(a.map((value, n) => value * at(b, n)));
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] ?? Number.NaN;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
