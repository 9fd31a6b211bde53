import { type AlertCase, always, node, once, perMinute } from "./alert-case.ts";

const onNode = { pod: "connect-node-1" };

export const clientCases: readonly AlertCase[] = [
  {
    alert: "PushcastSessionsDrop",
    fires: {
      series: {
        [node("connect_node_sessions", { pod: "1" })]: always(600),
        // It is gone, and so is its series.
        [node("connect_node_sessions", { pod: "2" })]: "400+0x6 stale",
      },
      atMinute: 8,
      labels: {},
      value: "600",
    },
    quiet: {
      [node("connect_node_sessions", { pod: "1" })]: always(700),
      [node("connect_node_sessions", { pod: "2" })]: "300+0x6 stale",
    },
  },
  {
    alert: "PushcastClientsTurnedAway",
    fires: {
      series: {
        [node("connect_node_rejections_total", { pod: "1", reason: "NODE_FULL" })]: perMinute(60),
        [node("connect_node_rejections_total", { pod: "2", reason: "NODE_FULL" })]: perMinute(60),
      },
      atMinute: 11,
      labels: { reason: "NODE_FULL" },
      value: "2",
    },
    quiet: {
      // A storm that passes, and clients that are wrong themselves.
      [node("connect_node_rejections_total", { reason: "TOO_MANY_HANDSHAKES" })]: once(10_000),
      [node("connect_node_rejections_total", { reason: "USER_INVALID" })]: perMinute(60),
    },
  },
  {
    alert: "PushcastAuthzUnavailable",
    fires: {
      series: {
        [node("connect_node_join_refusals_total", { reason: "authz_unavailable" })]: perMinute(30),
      },
      atMinute: 6,
      labels: {},
      value: "500m",
    },
    quiet: {
      [node("connect_node_join_refusals_total", { reason: "authz_unavailable" })]: always(7),
      [node("connect_node_join_refusals_total", { reason: "authz_denied" })]: perMinute(30),
    },
  },
  {
    alert: "PushcastTokenKeysUnreachable",
    fires: {
      series: { [node("connect_node_jwks_failures_total")]: perMinute(1) },
      atMinute: 17,
      labels: { pod: "connect-node-1" },
      value: "15",
    },
    quiet: {
      [node("connect_node_jwks_failures_total")]: once(1),
    },
  },
  {
    alert: "PushcastConnectionsDropped",
    fires: {
      series: { [node("connect_node_dropped_connections_total")]: perMinute(30) },
      atMinute: 11,
      labels: onNode,
      value: "500m",
    },
    quiet: { [node("connect_node_dropped_connections_total")]: once(10_000) },
  },
  {
    alert: "PushcastNodeNearlyFull",
    fires: {
      series: {
        [node("connect_node_sessions")]: always(90),
        [node("connect_node_max_sessions")]: always(100),
      },
      atMinute: 10,
      labels: onNode,
      value: "90%",
    },
    quiet: {
      [node("connect_node_sessions")]: always(85),
      [node("connect_node_max_sessions")]: always(100),
    },
  },
  {
    alert: "PushcastDeliverySlow",
    fires: {
      series: {
        [node("connect_node_delivery_seconds_bucket", { le: "1" })]: perMinute(98),
        [node("connect_node_delivery_seconds_bucket", { le: "2.5" })]: perMinute(100),
        [node("connect_node_delivery_seconds_bucket", { le: "+Inf" })]: perMinute(100),
      },
      atMinute: 11,
      labels: onNode,
      value: "1.75s",
    },
    quiet: {
      [node("connect_node_delivery_seconds_bucket", { le: "1" })]: perMinute(99),
      [node("connect_node_delivery_seconds_bucket", { le: "+Inf" })]: perMinute(100),
    },
  },
  {
    alert: "PushcastClientsFallBehind",
    fires: {
      series: {
        [node("connect_node_lagging_sessions")]: always(20),
        [node("connect_node_sessions")]: always(200),
      },
      atMinute: 10,
      labels: onNode,
      value: "10%",
    },
    quiet: {
      [node("connect_node_lagging_sessions")]: always(10),
      [node("connect_node_sessions")]: always(100),
    },
  },
  {
    alert: "PushcastPublicationsLost",
    fires: {
      series: { [node("connect_node_gaps_total", { reason: "link" })]: once(1) },
      atMinute: 4,
      labels: onNode,
    },
    quiet: {
      [node("connect_node_gaps_total", { reason: "link" })]: always(7),
      [node("connect_node_gaps_total", { reason: "evicted" })]: once(1),
    },
  },
  {
    alert: "PushcastResumesFail",
    fires: {
      series: {
        [node("connect_node_recoveries_total", { recovered: "true" })]: perMinute(80),
        [node("connect_node_recoveries_total", { recovered: "false" })]: perMinute(20),
      },
      atMinute: 14,
      labels: {},
      value: "20%",
    },
    quiet: {
      [node("connect_node_recoveries_total", { recovered: "true" })]: perMinute(900),
      [node("connect_node_recoveries_total", { recovered: "false" })]: perMinute(100),
    },
  },
  {
    alert: "PushcastPeerReadsFail",
    fires: {
      series: {
        [node("connect_node_peer_reads_total", { result: "done" })]: perMinute(6),
        [node("connect_node_peer_reads_total", { result: "failed" })]: perMinute(2),
      },
      atMinute: 16,
      labels: onNode,
      value: "25%",
    },
    quiet: {
      [node("connect_node_peer_reads_total", { result: "done" })]: perMinute(9),
      [node("connect_node_peer_reads_total", { result: "failed" })]: perMinute(1),
    },
  },
  {
    alert: "PushcastPublicationsInvalid",
    fires: {
      series: { [node("connect_node_invalid_publications_total")]: once(1) },
      atMinute: 4,
      labels: onNode,
    },
    quiet: { [node("connect_node_invalid_publications_total")]: always(1) },
  },
  {
    alert: "PushcastSessionsEndInError",
    fires: {
      series: { [node("connect_node_closes_total", { code: "1011" })]: once(1) },
      atMinute: 4,
      labels: onNode,
    },
    quiet: {
      [node("connect_node_closes_total", { code: "1011" })]: always(1),
      [node("connect_node_closes_total", { code: "1012" })]: once(1000),
    },
  },
];
