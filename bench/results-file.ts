import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const SIGNIFICANT_DIGITS = 5;

/** A file in `bench/results`; undefined where it is not there. */
export function readResultsFile<Results>(name: string): Results | undefined {
  const file = path(name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : undefined;
}

/**
 * Writes one measurement a line, so that a new round is a readable change.
 * @param list the name of the measurements beside what is in `head`
 */
export function writeResultsFile(
  name: string,
  head: object,
  list: string,
  measurements: readonly object[],
): void {
  const lines = measurements.map((measurement) => `    ${JSON.stringify(measurement, rounded)}`);
  const headText = JSON.stringify(head, undefined, 2).slice(0, -"\n}".length);
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), `${headText},\n  "${list}": [\n${lines.join(",\n")}\n  ]\n}\n`);
}

function path(name: string): string {
  return fileURLToPath(new URL(`./results/${name}`, import.meta.url));
}

function rounded(_key: string, value: unknown): unknown {
  const isFraction =
    typeof value === "number" && Number.isFinite(value) && !Number.isInteger(value);
  return isFraction ? Number(value.toPrecision(SIGNIFICANT_DIGITS)) : value;
}
