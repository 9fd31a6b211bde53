import { type Allowance, grows, type Quarters, quarters } from "./growth.ts";
import type { ProcessWatch, Sample } from "./process-watch.ts";

interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly of: (sample: Sample) => number;
  /** Undefined for what depends on the load alone, and is shown to explain the rest. */
  readonly allowance?: Allowance;
}

const MIB = 1024 * 1024;

const MEASURES: readonly Measure[] = [
  {
    name: "resident",
    unit: "MiB",
    of: ({ rssBytes }) => rssBytes / MIB,
    allowance: { share: 0.1, amount: 10 },
  },
  {
    name: "heap after collection",
    unit: "MiB",
    of: ({ heapBytes }) => heapBytes / MIB,
    allowance: { share: 0.1, amount: 2 },
  },
  {
    name: "outside the heap",
    unit: "MiB",
    of: ({ externalBytes }) => externalBytes / MIB,
    allowance: { share: 0.1, amount: 2 },
  },
  {
    name: "handles beside sessions",
    unit: "",
    of: ({ handles }) => handles,
    allowance: { share: 0.1, amount: 20 },
  },
  { name: "timers", unit: "", of: ({ timers }) => timers, allowance: { share: 0.1, amount: 20 } },
  { name: "sessions or links", unit: "", of: ({ connections }) => connections },
  { name: "lagging sessions", unit: "", of: ({ lagging }) => lagging },
  { name: "log", unit: "MiB", of: ({ logBytes }) => logBytes / MIB },
  { name: "processor", unit: "%", of: ({ cpuShare }) => cpuShare * 100 },
  { name: "event loop lag p99", unit: "ms", of: ({ loopLagMs }) => loopLagMs },
];

export interface Row {
  readonly process: string;
  readonly measure: string;
  readonly quarters: Quarters;
  /** Undefined for what is not judged. */
  readonly grows: boolean | undefined;
}

/** The table's rows of processes that were there for the whole time. */
export function soakRows(watches: readonly ProcessWatch[], fromMs: number, toMs: number): Row[] {
  return watches.flatMap(({ name, samples }) =>
    MEASURES.map((measure) => {
      const values = samples.map((sample) => ({ atMs: sample.atMs, value: measure.of(sample) }));
      const means = quarters(values, fromMs, toMs);
      return {
        process: name,
        measure: measure.unit === "" ? measure.name : `${measure.name}, ${measure.unit}`,
        quarters: means,
        grows: measure.allowance === undefined ? undefined : grows(means, measure.allowance),
      };
    }),
  );
}

/** In Markdown. */
export function soakTable(rows: readonly Row[]): string {
  const lines = rows.map(({ process, measure, quarters: means, grows: isGrowing }) => {
    const { first, second, third, last } = means;
    const numbers = [first, second, third, last].map((mean) => mean.toFixed(1));
    const verdict = isGrowing === undefined ? "–" : isGrowing ? "GROWS" : "level";
    return `| ${[process, measure, ...numbers, verdict].join(" | ")} |`;
  });
  return [
    "| process | mean of | first quarter | second | third | last | |",
    "|---|---|--:|--:|--:|--:|---|",
    ...lines,
  ].join("\n");
}
