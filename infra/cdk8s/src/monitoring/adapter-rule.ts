import { Construct } from "constructs";
import { k8s } from "../lib/k8s.ts";

/** The gauge of each connect-node that its autoscaler may go by. */
export const SESSIONS_METRIC = "connect_node_sessions";

/** What is used here of prometheus-adapter's configuration. The templates are the adapter's own. */
const CONFIG = {
  rules: [
    {
      seriesQuery: `${SESSIONS_METRIC}{namespace!="",pod!=""}`,
      resources: {
        overrides: { namespace: { resource: "namespace" }, pod: { resource: "pod" } },
      },
      metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
    },
  ],
};

/**
 * Has prometheus-adapter tell autoscalers the sessions of each pod. The adapter reads one configuration:
 * start it with this one, or put the rule among its own.
 */
export class AdapterRule extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new k8s.KubeConfigMap(this, "config", {
      metadata: { name: "prometheus-adapter-rules" },
      // JSON, of which YAML is a superset.
      data: { "config.yaml": `${JSON.stringify(CONFIG, null, 2)}\n` },
    });
  }
}
