import type { Selectors } from "../../selectors.ts";
import { byPod, quantilesOf, type Row, rateOf, shareOfLimit } from "../panel.ts";

/** From nodes to clients. */
export function deliveryRow({ node }: Selectors): Row {
  return {
    title: "Delivery: from nodes to clients",
    panels: [
      {
        title: "Publications applied",
        description: "On all nodes, a second, with and without a session for them.",
        unit: "ops",
        queries: [
          {
            expr: rateOf("connect_node_push_received_total", node, "has_users"),
            legend: "a session for it: {{has_users}}",
          },
        ],
      },
      {
        title: "Messages written, by target",
        description: "To sessions, a second.",
        unit: "ops",
        queries: [
          {
            expr: rateOf("connect_node_deliveries_total", node, "target"),
            legend: "{{target}}",
          },
        ],
      },
      {
        title: "From the manager's acceptance to the last socket write",
        description: "As good as the clocks of the machines agree.",
        unit: "s",
        queries: quantilesOf("connect_node_delivery_seconds", node),
      },
      {
        title: "Sessions that lag",
        description: "Their sockets are backed up; they are filled from the log.",
        unit: "short",
        queries: byPod("connect_node_lagging_sessions", node),
      },
      {
        title: "Gaps told, by reason",
        description: "evicted: the client was too slow. link: a manager's publications were lost.",
        unit: "ops",
        queries: [
          { expr: rateOf("connect_node_gaps_total", node, "reason"), legend: "{{reason}}" },
          {
            expr: rateOf("connect_node_invalid_publications_total", node, "namespace"),
            legend: "skipped as invalid",
          },
        ],
      },
      {
        title: "Publication log of nodes",
        description: "Of LOG_BYTES. A full log holds less than LOG_SECONDS.",
        unit: "percentunit",
        queries: shareOfLimit("connect_node_log_bytes", node),
      },
      {
        title: "Frame cache",
        description: "Frames that may be needed again, at most FRAME_CACHE_BYTES.",
        unit: "bytes",
        queries: byPod("connect_node_frame_cache_bytes", node),
      },
    ],
  };
}
