import type { Selectors } from "../../selectors.ts";
import { byPod, type Row, rateOf, shareOfLimit } from "../panel.ts";

/** Connections of clients, and how full nodes are. */
export function clientsRow({ node }: Selectors): Row {
  return {
    title: "Clients that come and go",
    panels: [
      {
        title: "Sessions",
        description: "On each node.",
        unit: "short",
        queries: byPod("connect_node_sessions", node),
      },
      {
        title: "How full nodes are",
        description: "Sessions, of MAX_SESSIONS.",
        unit: "percentunit",
        queries: shareOfLimit("connect_node_sessions", node),
      },
      {
        title: "Users and rooms",
        description: "Added up over nodes; one on several nodes counts on each.",
        unit: "short",
        queries: [
          { expr: `sum(connect_node_users{${node}})`, legend: "users" },
          { expr: `sum(connect_node_rooms{${node}})`, legend: "rooms" },
        ],
      },
      {
        title: "Handshakes and joins refused, by reason",
        description: "TOO_MANY_HANDSHAKES for long, or NODE_FULL: more nodes are needed.",
        unit: "ops",
        queries: [
          { expr: rateOf("connect_node_rejections_total", node, "reason"), legend: "{{reason}}" },
          {
            expr: rateOf("connect_node_dropped_connections_total", node, "namespace"),
            legend: "dropped unanswered",
          },
        ],
      },
      {
        title: "Connections that are no session",
        description: "Of MAX_PENDING_CONNECTIONS; further ones are dropped.",
        unit: "percentunit",
        queries: shareOfLimit("connect_node_pending_connections", node),
      },
      {
        title: "Sessions closed by nodes, by code",
        description: "1012: a node restarts. 4408: silent. 4409: too slow.",
        unit: "ops",
        queries: [{ expr: rateOf("connect_node_closes_total", node, "code"), legend: "{{code}}" }],
      },
      {
        title: "Resumes, by outcome",
        description: "Those not recovered load their state anew, from the biz-servers.",
        unit: "ops",
        queries: [
          {
            expr: rateOf("connect_node_recoveries_total", node, "recovered"),
            legend: "recovered: {{recovered}}",
          },
        ],
      },
    ],
  };
}
