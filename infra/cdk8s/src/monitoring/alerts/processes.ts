import type { AlertGroup, AlertScope } from "./alert.ts";

/** Who has not renewed it by then does not: cert-manager does so 30 days before. */
const EXPIRES_SOON_SECONDS = 7 * 86_400;

/** Processes that have too little of something. */
export function processAlerts({
  selectors: { manager, node, services, all },
}: AlertScope): AlertGroup {
  const ofServices = (metric: string, matcher = "", range = "") => [
    `push_manager_${metric}{${manager}${matcher}}${range}`,
    `connect_node_${metric}{${node}${matcher}}${range}`,
  ];
  const expiries = ofServices("certificate_expiry_seconds").join(" or ");
  const refusals = ofServices("file_loads_total", ',result="refused"', "[15m]")
    .map((series) => `increase(${series})`)
    .join(" or ");
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
      {
        name: "PushcastCertificateExpiresSoon",
        severity: "warning",
        expr: `min by (job, pod, files) (${expiries}) < ${EXPIRES_SOON_SECONDS}`,
        for: "1h",
        summary:
          "The certificate of {{ $labels.pod }} ({{ $labels.files }}) ends in {{ $value | humanizeDuration }}",
        description:
          "When it has ended, push-managers, nodes and etcd no longer take each other's connections.",
      },
      {
        name: "PushcastFilesRefused",
        severity: "warning",
        expr: `sum by (job, pod, files) (${refusals}) > 0`,
        for: "1m",
        summary: "{{ $labels.pod }} cannot use the new version of its files {{ $labels.files }}",
        description:
          "It goes on with the version before, until it is restarted: then it does not start.",
      },
    ],
  };
}
