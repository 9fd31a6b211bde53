import { table } from "../../table.ts";
import { isSaturated, type Run } from "../run.ts";
import { SATURATED } from "./errors.ts";
import { significant, whole } from "./format.ts";

/** From push to client, as it was measured, by nodes and rate. */
export function latency(runs: readonly Run[]): string {
  const rows = runs
    .filter(({ latencyMs }) => latencyMs !== undefined)
    .sort((a, b) => a.topology.nodes - b.topology.nodes || a.load.rate - b.load.rate)
    .map((run) => [
      `${whole(run.topology.nodes)}${isSaturated(run) ? SATURATED : ""}`,
      whole(run.load.rate),
      whole(run.load.contentBytes),
      whole(run.deliveriesPerSecond),
      `${significant(run.latencyMs?.p50 ?? Number.NaN)} ms`,
      `${significant(run.latencyMs?.p99 ?? Number.NaN)} ms`,
      run.othersCores.toFixed(2),
    ]);
  const head = [
    "nodes",
    "pushes/s",
    "bytes",
    "deliveries/s",
    "p50",
    "p99",
    "cores that others took",
  ];
  return `Measured from the publisher's write to the client's read. All processes of a run share this machine's
cores: with many nodes this is the time until the last of them had its turn on a core, and not what a
network adds. With ${SATURATED} these cores had no time left.

${table([head, ...rows])}`;
}
