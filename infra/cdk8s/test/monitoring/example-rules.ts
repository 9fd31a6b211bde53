import { alertGroups } from "../../src/monitoring/alerts/alerts.ts";
import { ruleGroups } from "../../src/monitoring/alerts/prometheus-rules.ts";
import { selectorsIn } from "../../src/monitoring/selectors.ts";
import { NAMESPACE } from "./alert-cases/alert-case.ts";

export const RUNBOOK_URL = "https://example.com/runbook.md";

/** Of an installation with two managers and three nodes at least, and three members of etcd. */
export const RULES = ruleGroups(
  alertGroups({
    selectors: selectorsIn(NAMESPACE),
    connectNodes: 3,
    pushManagers: 2,
    etcdMembers: 3,
    graceSeconds: 120,
  }),
  { namespace: NAMESPACE, runbookUrl: RUNBOOK_URL },
).flatMap(({ rules }) => rules);
