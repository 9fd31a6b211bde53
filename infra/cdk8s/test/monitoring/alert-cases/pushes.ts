import { type AlertCase, always, manager, node, perMinute } from "./alert-case.ts";

const onManager = { pod: "push-manager-1" };

export const pushCases: readonly AlertCase[] = [
  {
    alert: "PushcastNoNodesKnown",
    fires: {
      series: {
        [manager("push_manager_nodes", { state: "starting" })]: always(0),
        [manager("push_manager_nodes", { state: "ready" })]: always(0),
      },
      atMinute: 1,
      labels: onManager,
    },
    quiet: {
      [manager("push_manager_nodes", { state: "starting" })]: always(1),
      [manager("push_manager_nodes", { state: "ready" })]: always(0),
    },
  },
  {
    alert: "PushcastPushesFail",
    fires: {
      series: {
        [manager("push_manager_pushes_total", { code: "OK" })]: perMinute(98),
        [manager("push_manager_pushes_total", { code: "UNAVAILABLE" })]: perMinute(2),
      },
      atMinute: 6,
      labels: {},
      value: "2%",
    },
    quiet: {
      [manager("push_manager_pushes_total", { code: "OK" })]: perMinute(90),
      [manager("push_manager_pushes_total", { code: "INVALID_ARGUMENT" })]: perMinute(9),
      [manager("push_manager_pushes_total", { code: "UNAVAILABLE" })]: perMinute(1),
    },
  },
  {
    alert: "PushcastPushesMissNodes",
    fires: {
      series: {
        [manager("push_manager_broadcast_nodes_total")]: perMinute(1000),
        [manager("push_manager_node_failures_total", { reason: "DEADLINE" })]: perMinute(20),
        [manager("push_manager_node_failures_total", { reason: "LINK_DOWN" })]: perMinute(10),
      },
      atMinute: 11,
      labels: { reason: "DEADLINE" },
      value: "2%",
    },
    quiet: {
      [manager("push_manager_broadcast_nodes_total")]: perMinute(1000),
      [manager("push_manager_node_failures_total", { reason: "DEADLINE" })]: perMinute(10),
    },
  },
  {
    alert: "PushcastPushesSlow",
    fires: {
      series: {
        [manager("push_manager_push_seconds_bucket", { le: "0.5" })]: perMinute(98),
        [manager("push_manager_push_seconds_bucket", { le: "1" })]: perMinute(100),
        [manager("push_manager_push_seconds_bucket", { le: "+Inf" })]: perMinute(100),
      },
      atMinute: 11,
      labels: {},
      value: "750ms",
    },
    quiet: {
      [manager("push_manager_push_seconds_bucket", { le: "0.5" })]: perMinute(99),
      [manager("push_manager_push_seconds_bucket", { le: "+Inf" })]: perMinute(100),
    },
  },
  {
    alert: "PushcastPublishersHeldBack",
    fires: {
      series: { [manager("push_manager_held")]: always(1) },
      atMinute: 5,
      labels: onManager,
      value: "100%",
    },
    // One minute in ten.
    quiet: { [manager("push_manager_held")]: "0+0x11 1 0+0x30" },
  },
  {
    alert: "PushcastLinksDown",
    fires: {
      series: {
        [manager("push_manager_links", { state: "live" })]: always(3),
        [manager("push_manager_links", { state: "connecting" })]: always(1),
        [manager("push_manager_links", { state: "down" })]: always(1),
      },
      atMinute: 2,
      labels: onManager,
      value: "2",
    },
    quiet: {
      [manager("push_manager_links", { state: "live" })]: always(3),
      [manager("push_manager_links", { state: "connecting" })]: "0 1 1 0+0x30",
      [manager("push_manager_links", { state: "closing" })]: always(1),
    },
  },
  {
    alert: "PushcastNodeFallsBehind",
    fires: {
      series: {
        [manager("push_manager_pushes_total", { code: "OK" })]: perMinute(6000),
        [manager("push_manager_link_lag", { node_id: "slow" })]: always(501),
        [manager("push_manager_link_lag", { node_id: "good" })]: always(20),
      },
      atMinute: 6,
      labels: { ...onManager, node_id: "slow" },
      value: "501",
    },
    quiet: {
      [manager("push_manager_pushes_total", { code: "OK" })]: perMinute(6000),
      [manager("push_manager_link_lag", { node_id: "slow" })]: always(500),
    },
  },
  {
    alert: "PushcastIdempotencyKeysForgotten",
    fires: {
      series: {
        [manager("push_manager_idempotency_keys")]: always(1000),
        [manager("push_manager_max_idempotency_keys")]: always(1000),
      },
      atMinute: 10,
      labels: onManager,
      value: "100%",
    },
    quiet: {
      [manager("push_manager_idempotency_keys")]: always(950),
      [manager("push_manager_max_idempotency_keys")]: always(1000),
    },
  },
  {
    alert: "PushcastLogFull",
    fires: {
      series: {
        [manager("push_manager_log_bytes")]: always(96),
        [manager("push_manager_max_log_bytes")]: always(100),
      },
      atMinute: 30,
      labels: { ...onManager, job: "push-manager" },
    },
    quiet: {
      [manager("push_manager_log_bytes")]: always(95),
      [manager("push_manager_max_log_bytes")]: always(100),
    },
  },
  {
    alert: "PushcastLogFull",
    fires: {
      series: {
        [node("connect_node_log_bytes")]: always(96),
        [node("connect_node_max_log_bytes")]: always(100),
      },
      atMinute: 30,
      labels: { job: "connect-node", pod: "connect-node-1" },
    },
    quiet: {
      [node("connect_node_log_bytes")]: always(95),
      [node("connect_node_max_log_bytes")]: always(100),
    },
  },
];
