import type { Selectors } from "../../selectors.ts";
import { byPod, type Row, rateOf } from "../panel.ts";

/** What processes take of what they have. */
export function processesRow({ services, all }: Selectors): Row {
  return {
    title: "Processes",
    panels: [
      {
        title: "CPU",
        description: "Of one core: a service is one thread.",
        unit: "percentunit",
        queries: [{ expr: rateOf("process_cpu_seconds_total", all, "pod"), legend: "{{pod}}" }],
      },
      {
        title: "Memory",
        description: "Of the container's limit.",
        unit: "percentunit",
        queries: [
          {
            expr: `process_resident_memory_bytes{${services}} / process_memory_limit_bytes{${services}}`,
            legend: "{{pod}}",
          },
        ],
      },
      {
        title: "Heap",
        description: "Of V8, in use.",
        unit: "bytes",
        queries: byPod("nodejs_heap_size_used_bytes", services),
      },
      {
        title: "Event loop",
        description: "How late it is, 99 of 100 times or less.",
        unit: "s",
        queries: byPod("nodejs_eventloop_lag_p99_seconds", services),
      },
      {
        title: "Garbage collection",
        description: "Of the time.",
        unit: "percentunit",
        queries: [
          { expr: rateOf("nodejs_gc_duration_seconds_sum", services, "pod"), legend: "{{pod}}" },
        ],
      },
      {
        title: "Open files",
        description: "Of those allowed. Each session is one.",
        unit: "percentunit",
        queries: [
          { expr: `process_open_fds{${all}} / process_max_fds{${all}}`, legend: "{{pod}}" },
        ],
      },
      {
        title: "Time since the start",
        description: "It falls to 0 where a process restarts.",
        unit: "s",
        queries: [{ expr: `time() - process_start_time_seconds{${all}}`, legend: "{{pod}}" }],
      },
    ],
  };
}
