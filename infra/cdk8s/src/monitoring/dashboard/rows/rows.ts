import type { Selectors } from "../../selectors.ts";
import type { Row } from "../panel.ts";
import { clientsRow } from "./clients.ts";
import { deliveryRow } from "./delivery.ts";
import { discoveryRow } from "./discovery.ts";
import { etcdRow } from "./etcd.ts";
import { overviewRow } from "./overview.ts";
import { processesRow } from "./processes.ts";
import { pushesRow } from "./pushes.ts";

/** What an operator looks at, from the whole to the parts. */
export function dashboardRows(selectors: Selectors): Row[] {
  return [overviewRow, pushesRow, deliveryRow, clientsRow, discoveryRow, processesRow, etcdRow].map(
    (row) => row(selectors),
  );
}
