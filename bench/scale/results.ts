import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Run } from "./run.ts";

/** What `docs/scale.md` is made from. */
export interface Results {
  readonly machine: string;
  readonly runs: readonly Run[];
}

const FILE = fileURLToPath(new URL("../results/scale.json", import.meta.url));
const SIGNIFICANT_DIGITS = 5;

export function readResults(): Results | undefined {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Results) : undefined;
}

/** One run a line, so that a new one is a readable change. */
export function writeResults({ machine, runs }: Results): void {
  const lines = runs.map((run) => `    ${JSON.stringify(run, rounded)}`);
  const head = `{\n  "machine": ${JSON.stringify(machine)},\n`;
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, `${head}  "runs": [\n${lines.join(",\n")}\n  ]\n}\n`);
}

function rounded(_key: string, value: unknown): unknown {
  const isFraction =
    typeof value === "number" && Number.isFinite(value) && !Number.isInteger(value);
  return isFraction ? Number(value.toPrecision(SIGNIFICANT_DIGITS)) : value;
}
