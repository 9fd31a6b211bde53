import type { AlertGroup, AlertScope } from "./alert.ts";

/** Beyond the time that a stop may take. */
const MARGIN_MINUTES = 10;

/** Whether every node is known, and comes and goes as it should. */
export function discoveryAlerts({ selectors, graceSeconds }: AlertScope): AlertGroup {
  const { manager, node } = selectors;
  const stopMinutes = Math.ceil(graceSeconds / 60) + MARGIN_MINUTES;
  return {
    name: "pushcast-discovery",
    alerts: [
      {
        name: "PushcastNodesUnknown",
        severity: "critical",
        expr: `sum by (pod) (push_manager_nodes{${manager}}) < on () group_left () count(up{${node}} == 1)`,
        for: "5m",
        summary: "{{ $labels.pod }} knows {{ $value }} connect-nodes; more are up",
        description: "Clients of the others get nothing of what is pushed through it.",
      },
      {
        name: "PushcastNodesUnregistered",
        severity: "warning",
        expr: `max by (pod) (push_manager_nodes{${manager},state="unregistered"}) > 0`,
        for: "2m",
        summary: "{{ $value }} nodes have links to {{ $labels.pod }} and no key in etcd",
        description:
          "They get pushes as long as their links last. A manager that starts does not find them.",
      },
      {
        name: "PushcastNodeNotReady",
        severity: "warning",
        expr: `max by (pod) (connect_node_state{${node},state="starting"}) == 1`,
        for: "5m",
        summary: "{{ $labels.pod }} starts and does not become ready",
        description: "It takes no clients. A rollout waits for it.",
      },
      {
        name: "PushcastNodeDrainsTooLong",
        severity: "warning",
        expr: `max by (pod) (connect_node_state{${node},state="draining"}) == 1`,
        for: `${stopMinutes}m`,
        summary: "{{ $labels.pod }} drains and does not end",
        description: "It takes no clients and still uses its resources.",
      },
      {
        name: "PushcastRegistryUnreachable",
        severity: "warning",
        expr: [
          `sum by (job, pod) (rate(push_manager_registry_events_total{${manager},type="sync-failed"}[5m])) > 0.05`,
          `sum by (job, pod) (rate(connect_node_registry_events_total{${node},type=~"sync-failed|registration-failed|renewal-failed"}[5m])) > 0.05`,
        ].join(" or "),
        for: "5m",
        summary: "{{ $labels.pod }} does not reach etcd",
        description: "Pushes go on to the nodes that are known. Nodes that start are not found.",
      },
    ],
  };
}
