import type { AlertGroup, AlertScope } from "./alert.ts";

/** Processes that have too little of something. */
export function processAlerts({ selectors: { services, all } }: AlertScope): AlertGroup {
  return {
    name: "pushcast-processes",
    alerts: [
      {
        name: "PushcastEventLoopBlocked",
        severity: "warning",
        expr: `max by (job, pod) (nodejs_eventloop_lag_p99_seconds{${services}}) > 0.2`,
        for: "5m",
        summary: "The event loop of {{ $labels.pod }} is late by {{ $value | humanizeDuration }}",
        description: "Everything that this process does for anybody waits for that long.",
      },
      {
        name: "PushcastCoreBusy",
        severity: "warning",
        expr: `max by (job, pod) (rate(process_cpu_seconds_total{${services}}[5m])) > 0.9`,
        for: "15m",
        summary: "{{ $labels.pod }} uses {{ $value | humanizePercentage }} of a core",
        description: "A process is one core: it cannot do more than this.",
      },
      {
        name: "PushcastMemoryNearLimit",
        severity: "warning",
        expr: `max by (job, pod) (process_resident_memory_bytes{${services}} / process_memory_limit_bytes{${services}}) > 0.9`,
        for: "5m",
        summary: "{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory",
        description: "At its limit the kernel kills it, with its log and all of its sessions.",
      },
      {
        name: "PushcastFilesNearLimit",
        severity: "warning",
        expr: `max by (job, pod) (process_open_fds{${all}} / process_max_fds{${all}}) > 0.8`,
        for: "5m",
        summary:
          "{{ $labels.pod }} has {{ $value | humanizePercentage }} of the open files that it may have",
        description: "Each session is one. At the limit it accepts no connection.",
      },
    ],
  };
}
