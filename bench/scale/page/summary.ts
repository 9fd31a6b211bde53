import type { CostModel } from "../cost-model.ts";
import { isFaultless, isSaturated, type Run } from "../run.ts";
import { situation } from "../situation.ts";
import { count, percentOf, significant, whole } from "./format.ts";
import { gbAMonth } from "./network.ts";

const TYPICAL = {
  nodes: 10,
  managers: 1,
  pushes: 100,
  contentBytes: 512,
  rooms: 1_000,
  members: 10,
};
const MANY_NODES = 100;

/** The page in a few lines. */
export function summary(model: CostModel, runs: readonly Run[]): string {
  const typical = situation(TYPICAL);
  const many = situation({ ...TYPICAL, nodes: MANY_NODES });
  const held = runs.filter((run) => run.part === "check" && !isSaturated(run));
  const gb = (at: typeof typical) => gbAMonth(model.linkBytes.predict(at) * at.nodes);
  const size = (at: typeof typical) =>
    `one manager ${percentOf(model.manager.predict(at))} of a core, each node ${percentOf(model.node.predict(at))}, and the links to the nodes ${significant(gb(at), 3)} GB a month`;
  const faults = runs.filter((run) => !isFaultless(run)).length;
  const clean =
    faults === 0
      ? "In none of the runs was anything lost, repeated, out of order or refused."
      : `In **${count(faults, "run")}** something was lost, repeated, out of order or refused.`;
  return `- **Fit for fewer than 100 nodes, not for more than 1,000**: [where it ends](#where-it-ends).
- ${whole(TYPICAL.pushes)} pushes a second of ${TYPICAL.contentBytes} bytes to rooms of ${TYPICAL.members} take by the model, on ${TYPICAL.nodes} nodes, ${size(typical)};
  on ${MANY_NODES} nodes ${size(many)}.
- On ${count(held.length, "run")} that the fit has not seen, the model was off by ${percentOf(model.manager.meanError(held))} on average for a manager's
  processor time, by ${percentOf(model.node.meanError(held))} for a node's, and by ${percentOf(model.linkBytes.meanError(held))} for the bytes to a node.
- ${clean}`;
}
