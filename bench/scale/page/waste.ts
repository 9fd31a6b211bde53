import { table } from "../../table.ts";
import type { CostModel } from "../cost-model.ts";
import type { Run } from "../run.ts";
import { type SituationInit, situation } from "../situation.ts";
import { micros, percentOf, whole } from "./format.ts";

const NODES = [3, 10, 30, 100];
const MEMBERS = [1, 2, 10, 100];
const RATE = 500;
const CONTENT_BYTES = 128;

/** What nodes do for pushes that nobody on them is to get. */
export function waste(model: CostModel, runs: readonly Run[]): string {
  const at = (init: Pick<SituationInit, "nodes" | "members">) =>
    situation({ managers: 1, pushes: RATE, contentBytes: CONTENT_BYTES, rooms: 1_000, ...init });
  return [
    `A node that has no member of a push's room still reads it, keeps it in its log and acknowledges it. The
share of nodes that had a member, where the members of a room are spread evenly:`,
    byMembers((nodes, members) => percentOf(at({ nodes, members }).matched / RATE)),
    `What share of all nodes' processor time was for nobody, at ${whole(RATE)} pushes a second of ${CONTENT_BYTES} bytes to
rooms of that size, beside what an idle node takes; predicted:`,
    byMembers((nodes, members) => {
      const served = at({ nodes, members });
      const unserved = at({ nodes, members: 0 });
      const idle = model.node.predict(situation({ ...IDLE, nodes }));
      const useless = (model.node.predict(unserved) - idle) * (1 - served.matched / RATE);
      return percentOf(useless / (model.node.predict(served) - idle));
    }),
    measuredWaste(runs),
    unmatchedCost(model),
  ].join("\n\n");
}

const IDLE = {
  managers: 1,
  pushes: 0,
  contentBytes: 0,
  rooms: 1_000,
  members: 0,
  heartbeatMs: Number.POSITIVE_INFINITY,
};

function byMembers(cell: (nodes: number, members: number) => string): string {
  return table([
    ["members of a room", ...NODES.map((nodes) => `${nodes} nodes`)],
    ...MEMBERS.map((members) => [whole(members), ...NODES.map((nodes) => cell(nodes, members))]),
  ]);
}

/** Runs that differ only in whether the pushed rooms had members. */
function measuredWaste(runs: readonly Run[]): string {
  const pairs = runs.flatMap((without) => {
    if (without.load.memberShare !== 0) return [];
    const [withMembers] = runs.filter(
      ({ topology, load }) =>
        JSON.stringify(topology) === JSON.stringify(without.topology) &&
        JSON.stringify(load) === JSON.stringify({ ...without.load, memberShare: 1 }),
    );
    return withMembers === undefined ? [] : [{ without, withMembers }];
  });
  const rows = pairs.map(({ without, withMembers }) => [
    whole(without.topology.nodes),
    whole(without.load.rate),
    percentOf(withMembers.nodeCores ?? Number.NaN),
    percentOf(without.nodeCores ?? Number.NaN),
  ]);
  const head = ["nodes", "pushes/s", "a node, with members on all of them", "with members nowhere"];
  return `Measured, of a core:\n\n${table([head, ...rows])}`;
}

function unmatchedCost({ node }: CostModel): string {
  const cost = (pushes: number) => {
    const at = situation({ ...IDLE, nodes: 1, pushes, contentBytes: CONTENT_BYTES });
    return (node.predict(at) - node.predict(situation({ ...IDLE, nodes: 1 }))) / pushes;
  };
  const rates = [50, 500, 2_000];
  const costs = rates.map((rate) => `${micros(cost(rate))} at ${whole(rate)} a second`);
  return `So a push costs each node without a member ${costs.join(", ")}. It hurts when pushes are many
and their rooms small: then nodes that are added take sessions off the others, but none of this.`;
}
