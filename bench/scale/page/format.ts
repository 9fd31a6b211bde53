export const NOTHING = "–";

/** With this many digits that say something, and commas between thousands. */
export function significant(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return NOTHING;
  return Number(value.toPrecision(digits)).toLocaleString("en", {
    maximumSignificantDigits: digits,
  });
}

export function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString("en") : NOTHING;
}

export function percentOf(share: number): string {
  return Number.isFinite(share)
    ? `${(share * 100).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`
    : NOTHING;
}

/** How far a prediction is from what was measured, with its sign. */
export function errorOf(predicted: number, measured: number): string {
  const percent = Math.round((predicted / measured - 1) * 100);
  return `${percent > 0 ? "+" : ""}${percent} %`;
}

export function micros(cores: number): string {
  return `${significant(cores * 1e6)} µs`;
}

export function count(number: number, noun: string): string {
  return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
}
