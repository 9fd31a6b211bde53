import type { AlertGroup, AlertScope } from "./alert.ts";

/** With fewer sessions, a share of them says nothing. */
const FEW_SESSIONS = 100;

/** From the nodes to the clients. */
export function clientAlerts({ selectors: { node } }: AlertScope): AlertGroup {
  const sessions = (offset = "") => `sum(connect_node_sessions{${node}}${offset})`;
  const recoveries = (matchers: string) =>
    `sum(rate(connect_node_recoveries_total{${matchers}}[10m]))`;
  const failedRecoveries = recoveries(`${node},recovered="false"`);
  const peerReads = (matchers: string) =>
    `sum by (pod) (rate(connect_node_peer_reads_total{${matchers}}[10m]))`;
  return {
    name: "pushcast-clients",
    alerts: [
      {
        name: "PushcastSessionsDrop",
        severity: "critical",
        expr: `(${sessions()} or vector(0)) < 0.7 * ${sessions(" offset 5m")} and ${sessions(" offset 5m")} > ${FEW_SESSIONS}`,
        for: "1m",
        summary: "{{ $value }} sessions are left; 5 minutes ago there were over 40 % more",
        description: "Clients were disconnected and do not come back.",
      },
      {
        name: "PushcastClientsTurnedAway",
        severity: "critical",
        expr: `sum by (reason) (rate(connect_node_rejections_total{${node},reason=~"NODE_FULL|TOO_MANY_HANDSHAKES"}[5m])) > 0.1`,
        for: "10m",
        summary: "{{ $value | humanize }} handshakes a second are refused: {{ $labels.reason }}",
        description: "Clients cannot connect, and try again. A storm passes sooner than this.",
      },
      {
        name: "PushcastAuthzUnavailable",
        severity: "critical",
        expr: `sum(rate(connect_node_join_refusals_total{${node},reason="authz_unavailable"}[5m])) > 0`,
        for: "5m",
        summary: "{{ $value | humanize }} joins a second are refused, as AUTHZ_URL gives no answer",
        description: "Clients are not let into rooms that only the biz-server may allow.",
      },
      {
        name: "PushcastTokenKeysUnreachable",
        severity: "warning",
        expr: `sum by (pod) (increase(connect_node_jwks_failures_total{${node}}[15m])) > 1`,
        for: "15m",
        summary:
          "{{ $labels.pod }} cannot read JWT_JWKS_URL: {{ $value | humanize }} times in 15 minutes",
        description:
          "Keys that are known stay good. Clients with a token of a new key are refused with 503.",
      },
      {
        name: "PushcastConnectionsDropped",
        severity: "warning",
        expr: `sum by (pod) (rate(connect_node_dropped_connections_total{${node}}[5m])) > 0`,
        for: "10m",
        summary: "{{ $labels.pod }} drops {{ $value | humanize }} connections a second unanswered",
        description: "MAX_PENDING_CONNECTIONS connections that are no session wait there already.",
      },
      {
        name: "PushcastNodeNearlyFull",
        severity: "warning",
        expr: `max by (pod) (connect_node_sessions{${node}} / connect_node_max_sessions{${node}}) > 0.85`,
        for: "10m",
        summary:
          "{{ $labels.pod }} has {{ $value | humanizePercentage }} of the sessions that it may have",
        description: "When it is full, clients that are sent to it are refused with 503.",
      },
      {
        name: "PushcastDeliverySlow",
        severity: "warning",
        expr: `histogram_quantile(0.99, sum by (pod, le) (rate(connect_node_delivery_seconds_bucket{${node}}[5m]))) > 1`,
        for: "10m",
        summary:
          "On {{ $labels.pod }} one message in a hundred is written {{ $value | humanizeDuration }} after its push, or later",
        description: "Clients get messages late; or the clocks of the machines differ.",
      },
      {
        name: "PushcastClientsFallBehind",
        severity: "warning",
        expr: `sum by (pod) (connect_node_lagging_sessions{${node}}) / sum by (pod) (connect_node_sessions{${node}}) > 0.05 and sum by (pod) (connect_node_sessions{${node}}) > ${FEW_SESSIONS}`,
        for: "10m",
        summary: "{{ $value | humanizePercentage }} of the sessions of {{ $labels.pod }} lag",
        description: "Their clients read too slowly; those that go on so are closed with 4409.",
      },
      {
        name: "PushcastPublicationsLost",
        severity: "warning",
        expr: `sum by (pod) (increase(connect_node_gaps_total{${node},reason=~"link|silence"}[10m])) > 0`,
        for: "1m",
        summary:
          "Publications did not come to {{ $labels.pod }} before the manager's log lost them",
        description: "Its clients were told of a gap, and load their state anew.",
      },
      {
        name: "PushcastResumesFail",
        severity: "warning",
        expr: `${failedRecoveries} / ${recoveries(node)} > 0.1 and ${failedRecoveries} > 0.1`,
        for: "10m",
        summary: "{{ $value | humanizePercentage }} of the clients that resume cannot be recovered",
        description: "They load their state anew, from the biz-servers.",
      },
      {
        name: "PushcastPeerReadsFail",
        severity: "warning",
        expr: `${peerReads(`${node},result="failed"`)} / ${peerReads(node)} > 0.1`,
        for: "15m",
        summary:
          "{{ $value | humanizePercentage }} of the reads of other nodes' logs fail on {{ $labels.pod }}",
        description: "What a manager that died gave to other nodes does not come to its clients.",
      },
      {
        name: "PushcastPublicationsInvalid",
        severity: "warning",
        expr: `sum by (pod) (increase(connect_node_invalid_publications_total{${node}}[15m])) > 0`,
        for: "1m",
        summary: "{{ $labels.pod }} has skipped publications that would break a frame",
        description:
          "They reached no client of this node. A push-manager lets none through: it is a bug, or not one of ours.",
      },
      {
        name: "PushcastSessionsEndInError",
        severity: "warning",
        expr: `sum by (pod) (increase(connect_node_closes_total{${node},code="1011"}[15m])) > 0`,
        for: "1m",
        summary: "{{ $labels.pod }} has closed sessions with 1011",
        description:
          "An error in the node that it did not expect. The clients reconnect and resume.",
      },
    ],
  };
}
