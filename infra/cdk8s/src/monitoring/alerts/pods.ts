import type { AlertGroup, AlertScope } from "./alert.ts";

/** Pods that are not there, do not answer or do not stay. */
export function podAlerts({ selectors, connectNodes, pushManagers }: AlertScope): AlertGroup {
  const { manager, node, all } = selectors;
  return {
    name: "pushcast-pods",
    alerts: [
      {
        name: "PushcastConnectNodesMissing",
        severity: "critical",
        expr: `(sum(up{${node}}) or vector(0)) < ${connectNodes}`,
        for: "2m",
        summary: `{{ $value }} connect-nodes answer; there should be ${connectNodes} at least`,
        description:
          "The clients of the nodes that are gone reconnect to the others, or find none at all.",
      },
      {
        name: "PushcastPushManagersMissing",
        severity: "critical",
        expr: `(sum(up{${manager}}) or vector(0)) < ${pushManagers}`,
        for: "2m",
        summary: `{{ $value }} push-managers answer; there should be ${pushManagers} at least`,
        description: "Biz-servers have fewer managers to push through, or none at all.",
      },
      {
        name: "PushcastPodUnreachable",
        severity: "warning",
        expr: `max by (job, pod) (up{${all}}) == 0`,
        for: "5m",
        summary: "Prometheus cannot scrape {{ $labels.pod }}",
        description: "It hangs, has no network, or a NetworkPolicy keeps Prometheus out.",
      },
      {
        name: "PushcastPodRestarting",
        severity: "warning",
        expr: `max by (job, pod) (changes(process_start_time_seconds{${all}}[30m])) > 2`,
        for: "1m",
        summary: "{{ $labels.pod }} has restarted {{ $value }} times in 30 minutes",
        description: "Each restart of a connect-node makes all of its clients reconnect.",
      },
    ],
  };
}
