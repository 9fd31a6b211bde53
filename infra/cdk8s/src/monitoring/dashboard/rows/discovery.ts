import type { Selectors } from "../../selectors.ts";
import { type Row, rateOf } from "../panel.ts";

/** Whether managers and nodes know each other. */
export function discoveryRow({ manager, node }: Selectors): Row {
  return {
    title: "Who knows whom",
    panels: [
      {
        title: "Nodes by their own state",
        description: "Those that answer.",
        unit: "short",
        queries: [{ expr: `sum by (state) (connect_node_state{${node}})`, legend: "{{state}}" }],
      },
      {
        title: "Nodes that managers know, by state",
        description: "All managers should know the same. unregistered: linked, without a key.",
        unit: "short",
        queries: [{ expr: `push_manager_nodes{${manager}}`, legend: "{{pod}} {{state}}" }],
      },
      {
        title: "Links, by state",
        description: "Added up over managers; all should be live.",
        unit: "short",
        queries: [
          { expr: `sum by (state) (push_manager_links{${manager}})`, legend: "{{state}}" },
          { expr: `sum(connect_node_links{${node}})`, legend: "attached, say the nodes" },
        ],
      },
      {
        title: "Events of the registry",
        description: "What befell registrations and watches in etcd.",
        unit: "ops",
        queries: [
          {
            expr: rateOf("push_manager_registry_events_total", manager, "type"),
            legend: "manager: {{type}}",
          },
          {
            expr: rateOf("connect_node_registry_events_total", node, "type"),
            legend: "node: {{type}}",
          },
        ],
      },
      {
        title: "Nodes that read each other's logs",
        description: "Reads by outcome, and publications that came so.",
        unit: "ops",
        queries: [
          { expr: rateOf("connect_node_peer_reads_total", node, "result"), legend: "{{result}}" },
          {
            expr: rateOf("connect_node_copied_publications_total", node, "namespace"),
            legend: "publications",
          },
        ],
      },
    ],
  };
}
