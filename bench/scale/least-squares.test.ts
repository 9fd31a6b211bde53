import fc from "fast-check";
import { expect, test } from "vitest";
import { dot, type Equation, fitCoefficients } from "./least-squares.ts";

function equation(terms: readonly number[], value: number, weight = 1): Equation {
  return { terms, value, weight };
}

test("coefficients that explain everything are found, also where terms differ by powers of ten", () => {
  const coefficients = [3e-4, 0, 7e-6];
  const rows = [
    [1, 0, 0],
    [1, 100, 5_000],
    [1, 400, 100],
    [1, 3_000, 20_000],
  ];
  const found = fitCoefficients(rows.map((terms) => equation(terms, dot(terms, coefficients))));
  for (const [n, coefficient] of coefficients.entries()) {
    expect(found[n]).toBeCloseTo(coefficient, 9);
  }
});

test("errors are shared out by their squares and weights", () => {
  expect(fitCoefficients([equation([1], 1), equation([1], 2)])[0]).toBeCloseTo(1.5);
  expect(fitCoefficients([equation([1], 1, 3), equation([1], 2)])[0]).toBeCloseTo(1.25);
});

test("what would be negative is zero, and the others do their best without it", () => {
  // Alone they would be 3 and -1.
  const found = fitCoefficients([equation([1, 0], 3), equation([1, 1], 2)]);
  expect(found[0]).toBeCloseTo(2.5);
  expect(found[1]).toBe(0);
});

test("no small change of the coefficients makes the error smaller", () => {
  const number = fc.integer({ min: 0, max: 1000 });
  const measured = fc.tuple(fc.tuple(number, number, number), fc.integer({ min: 1, max: 1000 }));
  fc.assert(
    fc.property(fc.array(measured, { minLength: 4, maxLength: 20 }), (rows) => {
      const equations = [
        ...[0, 1, 2].map((n) =>
          equation(
            [0, 1, 2].map((m) => (m === n ? 100 : 0)),
            50,
          ),
        ),
        ...rows.map(([terms, value]) => equation(terms, value)),
      ];
      const error = (coefficients: readonly number[]) =>
        equations.reduce(
          (sum, { terms, value }) => sum + (dot(terms, coefficients) - value) ** 2,
          0,
        );
      const found = fitCoefficients(equations);
      const least = error(found);
      for (const n of found.keys()) {
        for (const change of [-1e-4, 1e-4]) {
          const other = found.map((value, m) => (m === n ? Math.max(0, value + change) : value));
          expect(error(other)).toBeGreaterThanOrEqual(least * (1 - 1e-9));
        }
      }
    }),
  );
});

test("a term that no run has is refused", () => {
  expect(() => fitCoefficients([equation([1, 0], 1)])).toThrow("nothing was measured of term 1");
});
