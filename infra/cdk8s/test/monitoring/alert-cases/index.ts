import type { AlertCase } from "./alert-case.ts";
import { clientCases } from "./clients.ts";
import { discoveryCases } from "./discovery.ts";
import { etcdCases } from "./etcd.ts";
import { podCases } from "./pods.ts";
import { processCases } from "./processes.ts";
import { pushCases } from "./pushes.ts";

/** One for each alert, or for each of the halves between which it has an `or`. */
export const ALERT_CASES: readonly AlertCase[] = [
  ...podCases,
  ...pushCases,
  ...discoveryCases,
  ...clientCases,
  ...processCases,
  ...etcdCases,
];
