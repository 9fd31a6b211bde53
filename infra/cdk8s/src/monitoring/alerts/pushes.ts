import type { AlertGroup, AlertScope } from "./alert.ts";

/** Seconds of pushes that a node may be behind. */
const LAG_SECONDS = 5;

/** From the biz-server's push to the nodes. */
export function pushAlerts({ selectors: { manager, node } }: AlertScope): AlertGroup {
  const pushes = (matchers: string) => `rate(push_manager_pushes_total{${matchers}}[5m])`;
  return {
    name: "pushcast-pushes",
    alerts: [
      {
        name: "PushcastNoNodesKnown",
        severity: "critical",
        expr: `sum by (pod) (push_manager_nodes{${manager}}) == 0`,
        for: "1m",
        summary: "{{ $labels.pod }} knows no connect-node",
        description: "It refuses every push with UNAVAILABLE.",
      },
      {
        name: "PushcastPushesFail",
        severity: "critical",
        expr: `sum(${pushes(`${manager},code!~"OK|INVALID_ARGUMENT"`)}) / sum(${pushes(manager)}) > 0.01`,
        for: "5m",
        summary: "{{ $value | humanizePercentage }} of the pushes are refused",
        description:
          "Biz-servers get errors that they did not cause; what they push reaches nobody.",
      },
      {
        name: "PushcastPushesMissNodes",
        severity: "warning",
        expr: `sum by (reason) (rate(push_manager_node_failures_total{${manager}}[5m])) / on () group_left () sum(rate(push_manager_broadcast_nodes_total{${manager}}[5m])) > 0.01`,
        for: "10m",
        summary:
          "Nodes do not acknowledge pushes: {{ $value | humanizePercentage }} {{ $labels.reason }}",
        description: "Clients of these nodes get the messages later, or are told of a gap.",
      },
      {
        name: "PushcastPushesSlow",
        severity: "warning",
        expr: `histogram_quantile(0.99, sum by (le) (rate(push_manager_push_seconds_bucket{${manager}}[5m]))) > 0.5`,
        for: "10m",
        summary: "One push in a hundred takes {{ $value | humanizeDuration }} or longer",
        description: "A push is answered when the slowest node has acknowledged it.",
      },
      {
        name: "PushcastPublishersHeldBack",
        severity: "warning",
        expr: `max by (pod) (avg_over_time(push_manager_held{${manager}}[10m])) > 0.1`,
        for: "5m",
        summary:
          "{{ $labels.pod }} holds publishers back {{ $value | humanizePercentage }} of the time",
        description: "Pushes get RESOURCE_EXHAUSTED and PushStreams are not read.",
      },
      {
        name: "PushcastLinksDown",
        severity: "critical",
        expr: `sum by (pod) (push_manager_links{${manager},state=~"connecting|down"}) > 0`,
        for: "2m",
        summary: "{{ $labels.pod }} has no link to {{ $value }} of the registered nodes",
        description:
          "Clients of these nodes get its pushes late, by way of other nodes, or not at all.",
      },
      {
        name: "PushcastNodeFallsBehind",
        severity: "warning",
        expr: `max by (pod, node_id) (push_manager_link_lag{${manager}}) > on (pod) group_left () ${LAG_SECONDS} * sum by (pod) (${pushes(`${manager},code="OK"`)})`,
        for: "5m",
        summary: "{{ $labels.node_id }} is {{ $value }} publications behind {{ $labels.pod }}",
        description: `That is more than ${LAG_SECONDS} seconds. Its clients get messages late; beyond the manager's log they are told of a gap.`,
      },
      {
        name: "PushcastIdempotencyKeysForgotten",
        severity: "warning",
        expr: `max by (pod) (push_manager_idempotency_keys{${manager}} / push_manager_max_idempotency_keys{${manager}}) > 0.95`,
        for: "10m",
        summary:
          "{{ $labels.pod }} remembers {{ $value | humanizePercentage }} of the idempotency keys that it can",
        description:
          "It forgets keys before IDEMPOTENCY_SECONDS: a push that is retried late is a second message.",
      },
      {
        name: "PushcastLogFull",
        severity: "warning",
        expr: [
          `max by (job, pod) (push_manager_log_bytes{${manager}} / push_manager_max_log_bytes{${manager}}) > 0.95`,
          `max by (job, pod) (connect_node_log_bytes{${node}} / connect_node_max_log_bytes{${node}}) > 0.95`,
        ].join(" or "),
        for: "30m",
        summary: "The publication log of {{ $labels.pod }} is full",
        description:
          "It keeps less than LOG_SECONDS: clients and links that are away for that long lose messages.",
      },
    ],
  };
}
