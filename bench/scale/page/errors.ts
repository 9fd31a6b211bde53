import { table } from "../../table.ts";
import { type CostModel, isForFit } from "../cost-model.ts";
import type { Fit } from "../fit.ts";
import type { Part } from "../plans.ts";
import { isSaturated, type Run } from "../run.ts";
import { situationOf } from "../situation.ts";
import { errorOf, NOTHING, percentOf, significant, whole } from "./format.ts";

export const SATURATED = "‡";

/** What was measured beside what the model says, of runs that it has not seen and of those that it has. */
export function errors(model: CostModel, runs: readonly Run[]): string {
  const held = runs.filter((run) => !isForFit(run));
  const fitted = runs.filter(isForFit);
  const usable = runs.filter((run) => !isSaturated(run));
  return [
    `Each run beside its prediction; **the fit has not seen the runs of the first table**. Where the machine or the
manager had no time left (${SATURATED}), costs say little: such runs are in neither the fit nor the means. Nor are
values near idle in the means, whose errors are parts of a percent of a core.`,
    meanErrors(model, usable),
    `### Runs that were not used for the fit\n\n${runTable(model, held)}`,
    `### Runs of the fit\n\n${runTable(model, fitted)}`,
  ].join("\n\n");
}

function meanErrors(model: CostModel, usable: readonly Run[]): string {
  const quantities = [
    ["manager, processor time", model.manager],
    ["node, processor time", model.node],
    ["bytes to a node", model.linkBytes],
    ["bytes from a node", model.ackBytes],
    ["bytes a delivery", model.deliveryBytes],
  ] as const;
  const ofPart = (fit: Fit, part: Part) =>
    percentOf(fit.meanError(usable.filter((run) => run.part === part)));
  return table([
    ["mean error", "not used for the fit", "not used, and far beyond it", "used for the fit"],
    ...quantities.map(([name, fit]) => [
      name,
      ofPart(fit, "check"),
      ofPart(fit, "limits"),
      percentOf(fit.meanError(usable.filter(isForFit))),
    ]),
  ]);
}

function runTable(model: CostModel, runs: readonly Run[]): string {
  const head = [
    "nodes",
    "managers",
    "rooms × members",
    "pushes/s",
    "bytes",
    "to rooms with members",
    "one manager, % of a core",
    "predicted",
    "one node",
    "predicted",
    "kB/s to a node",
    "predicted",
    "cores that others took",
  ];
  return table([head, ...runs.map((run) => row(model, run))]);
}

function row(model: CostModel, run: Run): string[] {
  const { topology, load } = run;
  const isIdle = load.rate === 0;
  const areReceivers = topology.nodesAre === "receivers";
  const compared = (fit: Fit, write: (value: number) => string) => {
    const measured = fit.quantity.measured(run);
    if (measured === undefined) return [NOTHING, NOTHING];
    const predicted = fit.predict(situationOf(run));
    return [write(measured), `${write(predicted)} (${errorOf(predicted, measured)})`];
  };
  return [
    `${topology.nodes}${areReceivers ? " receivers" : ""}${isSaturated(run) ? SATURATED : ""}`,
    whole(topology.managers),
    areReceivers ? NOTHING : `${topology.rooms} × ${topology.members}`,
    whole(load.rate),
    isIdle ? NOTHING : whole(load.contentBytes),
    isIdle ? NOTHING : percentOf(load.memberShare),
    ...compared(model.manager, percentOf),
    ...compared(model.node, percentOf),
    ...compared(model.linkBytes, (bytes) => significant(bytes / 1000)),
    run.othersCores.toFixed(2),
  ];
}
