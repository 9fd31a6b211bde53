import { median } from "../comparison/median.ts";
import { readResultsFile, writeResultsFile } from "../results-file.ts";
import type { Goal } from "./scenario.ts";

/** One scenario, once. */
export interface ScenarioRun {
  readonly scenario: string;
  /** Of this scenario, from 1. */
  readonly round: number;
  /** By `productCommit`. */
  readonly commit: string;
  /** When it began, in ISO 8601. */
  readonly at: string;
  /** Of the machine over one minute, before. */
  readonly loadBefore: number;
  /** By the names of the scenario's goals. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Of the scenarios with goals. */
export interface GoalResults {
  readonly machine: string;
  readonly runs: readonly ScenarioRun[];
}

const FILE = "goals.json";

export function readGoalResults(): GoalResults | undefined {
  return readResultsFile(FILE);
}

export function writeGoalResults({ runs, ...head }: GoalResults): void {
  writeResultsFile(FILE, head, "runs", runs);
}

/** Of all rounds; NaN where one has it not. */
export function figureOf(runs: readonly ScenarioRun[], figure: string, goal: Goal): number {
  const values = runs.map(({ figures }) => figures[figure] ?? Number.NaN);
  return goal.isWorst === true && values.length > 0 ? Math.max(...values) : median(values);
}
