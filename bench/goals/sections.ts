import { commitsText, decimal, minutes } from "../comparison/page-text.ts";
import { table } from "../table.ts";
import { figureOf, type GoalResults, type ScenarioRun } from "./results.ts";
import { type Goal, isMet, missedBy, type Scenario } from "./scenario.ts";
import { GOAL_SCENARIOS } from "./scenarios.ts";

const MAX_DECIMALS_BELOW = 100;

/** What has a goal with what it came to, and below it how that was measured. */
export function goalsSection({ machine, runs }: GoalResults): string {
  const measured = measuredScenarios(runs);
  const rows = measured.flatMap(({ scenario, own }) =>
    Object.entries(scenario.goals)
      .filter(([, goal]) => isGoal(goal))
      .map(([figure, goal], n) => {
        const value = figureOf(own, figure, goal);
        const met = isMet(goal, value);
        return [
          n === 0 ? `**${scenario.name}**` : "",
          goal.what,
          goalText(goal),
          withUnit(value, goal),
          met === undefined ? "" : met ? "yes" : "**no**",
        ];
      }),
  );
  const details = measured.map(({ scenario, own }) => [
    scenario.name,
    scenario.setup,
    Object.entries(scenario.goals)
      .filter(([, goal]) => !isGoal(goal))
      .map(([figure, goal]) => `${goal.what} ${withUnit(figureOf(own, figure, goal), goal)}`)
      .join(", "),
    `${own.length}, ${minutes(own[0]?.at)} to ${minutes(own.at(-1)?.at)}`,
    own.map(({ loadBefore }) => loadBefore.toFixed(1)).join(", "),
    commitsText(own),
  ]);
  return [
    "## Pushcast alone",
    table([["", "", "goal", "measured", "met"], ...rows]),
    `Each figure is the median of the rounds, and of faults the worst. On ${machine}, by
\`npm run bench:full\` or \`npm run bench -- --goal ""\`:`,
    table([
      ["", "what runs", "also measured", "rounds", "load average before each", "commit"],
      ...details,
    ]),
  ].join("\n\n");
}

function isGoal({ atMost, atLeast, isReported }: Goal): boolean {
  return atMost !== undefined || atLeast !== undefined || isReported === true;
}

/** For each scenario that misses something, in words. */
export function missedGoals({ runs }: GoalResults): { name: string; misses: string[] }[] {
  return measuredScenarios(runs).map(({ scenario, own }) => ({
    name: scenario.name,
    misses: Object.entries(scenario.goals).flatMap(([figure, goal]) => {
      const value = figureOf(own, figure, goal);
      if (isMet(goal, value) !== false) return [];
      const by = Math.round(missedBy(goal, value) * 100);
      return [
        `${goal.what} ${withUnit(value, goal)} instead of ${goalText(goal)}${Number.isFinite(by) ? ` (by ${by} %)` : ""}`,
      ];
    }),
  }));
}

function measuredScenarios(
  runs: readonly ScenarioRun[],
): { readonly scenario: Scenario; readonly own: readonly ScenarioRun[] }[] {
  return GOAL_SCENARIOS.map((scenario) => ({
    scenario,
    own: runs.filter((run) => run.scenario === scenario.name),
  })).filter(({ own }) => own.length > 0);
}

function goalText(goal: Goal): string {
  if (goal.atMost !== undefined)
    return goal.atMost === 0 ? "0" : `≤ ${withUnit(goal.atMost, goal)}`;
  return goal.atLeast === undefined ? "reported" : `≥ ${withUnit(goal.atLeast, goal)}`;
}

function withUnit(value: number, { unit }: Goal): string {
  const isWhole = Number.isInteger(value) || value >= MAX_DECIMALS_BELOW;
  const text = decimal(value, isWhole ? 0 : 2);
  return unit === "" || unit === "/s" ? `${text}${unit}` : `${text} ${unit}`;
}
