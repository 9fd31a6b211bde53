import type { AlertGroup, AlertScope } from "./alert.ts";
import { clientAlerts } from "./clients.ts";
import { discoveryAlerts } from "./discovery.ts";
import { etcdAlerts } from "./etcd.ts";
import { podAlerts } from "./pods.ts";
import { processAlerts } from "./processes.ts";
import { pushAlerts } from "./pushes.ts";

/** Every failure that somebody must act on. */
export function alertGroups(scope: AlertScope): AlertGroup[] {
  return [podAlerts, pushAlerts, discoveryAlerts, clientAlerts, processAlerts, etcdAlerts].map(
    (groupOf) => groupOf(scope),
  );
}
