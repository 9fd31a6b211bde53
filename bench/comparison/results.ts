import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Measurement } from "./measurement.ts";

/** What `docs/benchmarks.md` is made from. */
export interface Results {
  readonly machine: string;
  /** The commit of the product, with "+" where files were changed. */
  readonly commit: string;
  /** For each system its version. */
  readonly versions: Readonly<Record<string, string>>;
  readonly measurements: readonly Measurement[];
}

const FILE = fileURLToPath(new URL("../results/comparison.json", import.meta.url));
const SIGNIFICANT_DIGITS = 5;

export function readResults(): Results | undefined {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Results) : undefined;
}

/** One measurement a line, so that a new round is a readable change. */
export function writeResults({ measurements, ...head }: Results): void {
  const lines = measurements.map((measurement) => `    ${JSON.stringify(measurement, rounded)}`);
  const headText = JSON.stringify(head, undefined, 2).slice(0, -"\n}".length);
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, `${headText},\n  "measurements": [\n${lines.join(",\n")}\n  ]\n}\n`);
}

function rounded(_key: string, value: unknown): unknown {
  const isFraction =
    typeof value === "number" && Number.isFinite(value) && !Number.isInteger(value);
  return isFraction ? Number(value.toPrecision(SIGNIFICANT_DIGITS)) : value;
}
