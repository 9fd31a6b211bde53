import type { Selectors } from "../../selectors.ts";
import { quantilesOf, RATE_WINDOW, type Row, rateOf, shareOfLimit } from "../panel.ts";

/** From biz-servers to nodes. */
export function pushesRow({ manager }: Selectors): Row {
  return {
    title: "Pushes: from biz-servers to nodes",
    panels: [
      {
        title: "Pushes by rpc",
        description: "A second; also those inside a PushStream.",
        unit: "ops",
        queries: [{ expr: rateOf("push_manager_pushes_total", manager, "api"), legend: "{{api}}" }],
      },
      {
        title: "Pushes refused, by code",
        description: "UNAVAILABLE: no node is known. RESOURCE_EXHAUSTED: held back, or too large.",
        unit: "ops",
        queries: [
          {
            expr: rateOf("push_manager_pushes_total", `${manager},code!="OK"`, "code"),
            legend: "{{code}}",
          },
        ],
      },
      {
        title: "From push to answer",
        description: "Until the slowest node has acknowledged, at most ACK_TIMEOUT_MS.",
        unit: "s",
        queries: quantilesOf("push_manager_push_seconds", manager),
      },
      {
        title: "Nodes that failed, by reason",
        description: "Added up over all pushes and commands.",
        unit: "ops",
        queries: [
          {
            expr: rateOf("push_manager_node_failures_total", manager, "reason"),
            legend: "{{reason}}",
          },
        ],
      },
      {
        title: "Nodes a push went to, and that had a session for it",
        description: "Broadcast: the second is what was of use.",
        unit: "ops",
        queries: [
          {
            expr: rateOf("push_manager_broadcast_nodes_total", manager, "namespace"),
            legend: "sent to",
          },
          {
            expr: rateOf("push_manager_broadcast_delivered_total", manager, "namespace"),
            legend: "of use",
          },
        ],
      },
      {
        title: "How far nodes are behind",
        description: "Publications that a node has not acknowledged to a manager.",
        unit: "short",
        queries: [
          {
            expr: `max by (node_id) (push_manager_link_lag{${manager}})`,
            legend: "{{node_id}}",
          },
        ],
      },
      {
        title: "Pushes that await acknowledgement",
        description: "At MAX_PENDING_PUSHES publishers are held back.",
        unit: "percentunit",
        queries: shareOfLimit("push_manager_pending_pushes", manager),
      },
      {
        title: "Publishers held back",
        description: "The share of the time.",
        unit: "percentunit",
        queries: [
          {
            expr: `avg_over_time(push_manager_held{${manager}}${RATE_WINDOW})`,
            legend: "{{pod}}",
          },
        ],
      },
      {
        title: "Publication log of managers",
        description: "Of LOG_BYTES. A full log holds less than LOG_SECONDS.",
        unit: "percentunit",
        queries: shareOfLimit("push_manager_log_bytes", manager),
      },
      {
        title: "Idempotency keys",
        description: "Of IDEMPOTENCY_KEYS. Beyond it, the oldest are forgotten early.",
        unit: "percentunit",
        queries: shareOfLimit("push_manager_idempotency_keys", manager),
      },
    ],
  };
}
