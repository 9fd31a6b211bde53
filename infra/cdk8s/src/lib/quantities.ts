import { k8s } from "./k8s.ts";

const BINARY_UNITS = ["", "Ki", "Mi", "Gi", "Ti"];
const DECIMAL_UNITS = ["", "k", "M", "G", "T"];

/** A quantity as server-side apply takes it: always a string, also `"2"`. */
export function quantity(text: string): k8s.Quantity {
  return k8s.Quantity.fromString(text);
}

/** How many bytes a memory quantity such as `512Mi` is; undefined if it is none. */
export function bytesOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(|[KMGT]i|[kMGT])$/.exec(text);
  if (match === null) return undefined;
  const [, digits = "", unit = ""] = match;
  const binary = BINARY_UNITS.indexOf(unit);
  const factor = binary >= 0 ? 1024 ** binary : 1000 ** DECIMAL_UNITS.indexOf(unit);
  return Number(digits) * factor;
}

/** `512Mi`: bytes, rounded up to MiB. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)}Mi`;
}
