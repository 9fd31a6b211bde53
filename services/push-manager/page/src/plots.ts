import type { History } from "./history.ts";
import { Plot } from "./plot.ts";

export function plots(history: History): readonly Plot[] {
  const { times } = history;
  return [
    new Plot({
      title: "Pushes",
      unit: "per second",
      note: "Accepted by this manager",
      times,
      lines: [
        { label: "accepted", ink: "--ink-1", values: history.pushes },
        { label: "refused", ink: "--ink-3", dash: [4, 3], values: history.refused },
      ],
    }),
    new Plot({
      title: "Deliveries",
      unit: "per second",
      note: "Sessions, as nodes said to this manager",
      times,
      lines: [{ label: "sessions", ink: "--ink-1", values: history.deliveries }],
    }),
    new Plot({
      title: "Push latency",
      unit: "ms",
      note: "This manager's, from arrival to answer",
      times,
      lines: [
        { label: "p50", ink: "--ink-1", values: history.p50 },
        { label: "p90", ink: "--ink-2", dash: [7, 3], values: history.p90 },
        { label: "p99", ink: "--ink-3", dash: [2, 3], values: history.p99 },
      ],
    }),
    new Plot({
      title: "Waste",
      unit: "%",
      note: "Sends of this manager to nodes that had nobody",
      max: 100,
      times,
      lines: [{ label: "for nobody", ink: "--ink-2", values: history.waste }],
    }),
    new Plot({
      title: "Lag",
      unit: "publications",
      note: "Not acknowledged by the node furthest behind",
      times,
      lines: [{ label: "most", ink: "--ink-3", values: history.lag }],
    }),
  ];
}
