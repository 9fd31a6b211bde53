import { readResultsFile, writeResultsFile } from "../results-file.ts";
import type { Measurement } from "./measurement.ts";

/** Of the comparison with peers. */
export interface Results {
  readonly machine: string;
  /** For each system its version. */
  readonly versions: Readonly<Record<string, string>>;
  readonly measurements: readonly Measurement[];
}

const FILE = "comparison.json";

export function readResults(): Results | undefined {
  return readResultsFile(FILE);
}

export function writeResults({ measurements, ...head }: Results): void {
  writeResultsFile(FILE, head, "measurements", measurements);
}
