import { type Figure, Rounds } from "./median.ts";
import type { Plot } from "./plot.ts";
import type { Results } from "./results.ts";
import { measuredSystems } from "./systems.ts";
import { RATE_SERIES, SIZE_SERIES, WORKLOADS, type Workload } from "./workloads.ts";

export interface NamedPlot {
  readonly file: string;
  /** Without lines where nothing of it was measured. */
  readonly plot: Plot;
}

/** Of the rates that `npm run bench:full` measures, and of the one of the table. */
export function latencyPlot(results: Results): NamedPlot {
  const [crowd] = WORKLOADS;
  const series = [...RATE_SERIES, ...(crowd === undefined ? [] : [crowd])].sort(
    (a, b) => (a.rate ?? 0) - (b.rate ?? 0),
  );
  const plot = {
    title: "Latency against rate, one room of 1,000",
    xLabel: "pushes a second",
    yLabel: "p50, push to client, in ms",
    lines: plotLines(results, series, RATE_SERIES, ({ rate }) => rate ?? 0, "p50Ms"),
  };
  return { file: "latency.svg", plot };
}

export function costPlot(results: Results): NamedPlot {
  const plot = {
    title: "Cost against room size, 20,000 deliveries a second",
    xLabel: "members of each room",
    yLabel: "server CPU a delivery, in µs",
    lines: plotLines(
      results,
      SIZE_SERIES,
      SIZE_SERIES,
      ({ members }) => members,
      "serverCpuMicrosPerDelivery",
    ),
  };
  return { file: "cost.svg", plot };
}

/** Of undisturbed rounds only, and of the systems that have some under a workload of `needed`. */
function plotLines(
  { measurements, versions }: Results,
  series: readonly Workload[],
  needed: readonly Workload[],
  xOf: (workload: Workload) => number,
  figure: Figure,
): Plot["lines"] {
  return measuredSystems(Object.keys(versions)).flatMap(({ name }) => {
    const measured = series
      .map((workload) => ({ workload, rounds: new Rounds(measurements, name, workload.name) }))
      .filter(({ rounds }) => rounds.measurements.length > 0 && !rounds.isDisturbed);
    if (!measured.some(({ workload }) => needed.includes(workload))) return [];
    const points = measured.map(({ workload, rounds }): [number, number] => [
      xOf(workload),
      rounds.median(figure),
    ]);
    return [{ name, points }];
  });
}
