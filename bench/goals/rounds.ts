import { loadavg } from "node:os";
import { productCommit } from "../product-commit.ts";
import { machine } from "../table.ts";
import { readGoalResults, type ScenarioRun, writeGoalResults } from "./results.ts";
import { isMet, type Scenario } from "./scenario.ts";

export interface GoalRounds {
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  /** Whether what was measured before stays. */
  readonly keeps: boolean;
}

/** One scenario after another, round after round. Returns whether all ran, and without a fault. */
export async function measureGoals({ scenarios, rounds, keeps }: GoalRounds): Promise<boolean> {
  const commit = productCommit();
  const runs = [...((keeps ? readGoalResults() : undefined)?.runs ?? [])];
  let isFaultless = true;
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name: scenario, goals, measure } of scenarios) {
      const at = new Date().toISOString();
      const [loadBefore = Number.NaN] = loadavg();
      try {
        const figures = await measure();
        const earlier = runs.filter((run) => run.scenario === scenario).length;
        const run = { scenario, round: earlier + 1, commit, at, loadBefore, figures };
        console.error(line(run));
        runs.push(run);
        writeGoalResults({ machine: machine(), runs });
        const faults = Object.entries(goals).filter(
          ([figure, goal]) => goal.isWorst === true && isMet(goal, figures[figure]) === false,
        );
        if (faults.length > 0) isFaultless = false;
      } catch (error) {
        console.error(`${scenario} could not be measured:`, error);
        isFaultless = false;
      }
    }
  }
  return isFaultless;
}

function line({ scenario, figures, loadBefore }: ScenarioRun): string {
  const texts = Object.entries(figures).map(([figure, value]) => `${figure} ${value.toFixed(2)}`);
  return [scenario, texts.join(", "), `load ${loadBefore.toFixed(1)}`].join(" · ");
}
