import type { Selectors } from "../../selectors.ts";
import { type Panel, type Row, rateOf } from "../panel.ts";

/** How it is, in numbers. */
export function overviewRow({ manager, node }: Selectors): Row {
  const refused = rateOf("push_manager_pushes_total", `${manager},code!="OK"`, "namespace");
  const all = rateOf("push_manager_pushes_total", manager, "namespace");
  return {
    title: "Overview",
    panels: [
      number("Connect-nodes", "That answer.", `sum(up{${node}})`),
      number("Push-managers", "That answer.", `sum(up{${manager}})`),
      number("Sessions", "Open, on all nodes.", `sum(connect_node_sessions{${node}})`),
      number("Pushes a second", "Also those refused.", all),
      number("Pushes refused", "Also for their own faults.", `${refused} / ${all}`, "percentunit"),
      number(
        "Messages a second",
        "Written to sessions.",
        rateOf("connect_node_deliveries_total", node, "namespace"),
      ),
    ],
  };
}

function number(
  title: string,
  description: string,
  expr: string,
  unit: Panel["unit"] = "short",
): Panel {
  return { title, description, unit, kind: "number", queries: [{ expr, legend: title }] };
}
