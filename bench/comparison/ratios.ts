import { GOALS, type Goal } from "./goals.ts";
import { Rounds } from "./median.ts";
import type { Results } from "./results.ts";

/** A peer's server CPU a delivery divided by ours. */
export interface Ratio {
  readonly goal: Goal;
  /** NaN where one of them was not measured. */
  readonly reached: number;
  readonly isMissed: boolean;
  readonly isDisturbed: boolean;
}

export function ratios({ measurements }: Results): readonly Ratio[] {
  return GOALS.map((goal) => {
    const theirs = new Rounds(measurements, goal.peer, goal.workload);
    const ours = new Rounds(measurements, goal.system, goal.workload);
    const cost = (rounds: Rounds) => rounds.median("serverCpuMicrosPerDelivery");
    const reached = cost(theirs) / cost(ours);
    return {
      goal,
      reached,
      isMissed: reached < goal.ratio,
      isDisturbed: theirs.isDisturbed || ours.isDisturbed,
    };
  });
}
