import type { GoalResults } from "../goals/results.ts";
import { missedGoals } from "../goals/sections.ts";
import { REASONS } from "../reasons.ts";
import { decimal } from "./page-text.ts";
import { type Ratio, ratios } from "./ratios.ts";
import type { Results } from "./results.ts";
import { WORKLOADS } from "./workloads.ts";

const NO_REASON = "No reason has been measured yet.";

/** A workload or a scenario with what it misses, in words. */
interface Missed {
  readonly name: string;
  readonly misses: readonly string[];
}

export function missedSection(results: Results, goals: GoalResults | undefined): string {
  const all = [...missedRatios(results), ...(goals === undefined ? [] : missedGoals(goals))];
  const missed = all.filter(({ misses }) => misses.length > 0);
  const text = missed.map(({ name, misses }) => {
    const reason = REASONS[name]?.replaceAll(/\s+/g, " ") ?? NO_REASON;
    return `- **${name}**: ${misses.join(", ")}. ${reason}`;
  });
  return [
    "## What is missed, by how much and why",
    text.length === 0 ? "Nothing." : text.join("\n"),
  ].join("\n\n");
}

function missedRatios(results: Results): readonly Missed[] {
  const missed = ratios(results).filter(({ isMissed }) => isMissed);
  return WORKLOADS.map(({ name }) => ({
    name,
    misses: missed.filter(({ goal }) => goal.workload === name).map(missedText),
  }));
}

function missedText({ goal, reached }: Ratio): string {
  const windowed = goal.system === "pushcast" ? "" : " with the window";
  const by = decimal((1 - reached / goal.ratio) * 100, 0);
  return `${goal.peer}${windowed} ${decimal(reached, 2)} instead of ≥ ${goal.ratio} (by ${by} %)`;
}
