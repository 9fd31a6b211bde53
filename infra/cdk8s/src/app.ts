import { App, Chart, YamlOutputType } from "cdk8s";
import type { Config } from "./config/schema.ts";
import { k8s } from "./lib/k8s.ts";
import { SYSTEM_LABELS, type WorkloadName } from "./lib/labels.ts";
import { RESTRICTED_NAMESPACE } from "./lib/pod-security.ts";
import { AdapterRule } from "./monitoring/adapter-rule.ts";
import { Monitoring } from "./monitoring/monitoring.ts";
import { ClientIngress } from "./network/client-ingress.ts";
import { NetworkPolicies } from "./network/network-policies.ts";
import { Certificates } from "./workloads/certificates.ts";
import { ConnectNode } from "./workloads/connect-node.ts";
import { DeletionCost } from "./workloads/deletion-cost.ts";
import { Etcd } from "./workloads/etcd.ts";
import { PushManager } from "./workloads/push-manager.ts";

/**
 * The whole system, one chart a file, in the order in which they are to be applied. Write it with
 * `synth()`.
 * @param outdir where to. @default CDK8S_OUTDIR, which the cdk8s CLI gives, else `dist`
 * @throws InvalidConfig
 */
export function createApp(config: Config, outdir?: string): App {
  const app = new App({
    yamlOutputType: YamlOutputType.FILE_PER_CHART,
    ...(outdir === undefined ? {} : { outdir }),
  });
  if (config.createNamespace) {
    // Without a namespace of its own, which cdk8s would also write on the Namespace itself.
    const chart = new Chart(app, "00-namespace", chartProps());
    new k8s.KubeNamespace(chart, "namespace", {
      metadata: { name: config.namespace, labels: RESTRICTED_NAMESPACE },
    });
  }
  const addChart = (id: string) => new Chart(app, id, chartProps(config.namespace));

  const { network, deletionCost, tls, connectNode, traces } = config;
  const workloads: WorkloadName[] = ["etcd", "push-manager", "connect-node"];
  if (deletionCost.enabled) workloads.push("deletion-cost");
  if (network.policies) {
    new NetworkPolicies(addChart("10-network"), "policies", {
      network,
      workloads,
      calledUrls: urlsIn(connectNode.settings),
      traces,
    });
  }
  // Of a kind that only cert-manager knows.
  if (tls.enabled && tls.issuer !== undefined) {
    new Certificates(addChart("15-certificates"), "certificates", config, tls.issuer);
  }
  new Etcd(addChart("20-etcd"), "etcd", config);
  new PushManager(addChart("30-push-manager"), "push-manager", config);
  const gateway = addChart("40-connect-node");
  new ConnectNode(gateway, "connect-node", config);
  if (config.ingress.enabled) new ClientIngress(gateway, "client-ingress", config.ingress);
  // Of kinds that only the Prometheus operator knows.
  if (config.monitoring.enabled) new Monitoring(addChart("50-monitoring"), "monitoring", config);
  if (config.connectNode.sessionsPerPod !== undefined) {
    new AdapterRule(addChart("60-prometheus-adapter"), "adapter-rule");
  }
  if (deletionCost.enabled) {
    new DeletionCost(addChart("70-deletion-cost"), "deletion-cost", config);
  }
  return app;
}

/** The URLs that processes call by their settings. */
function urlsIn(settings: Config["connectNode"]["settings"]): string[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    name.endsWith("_URL") && value !== undefined ? [String(value)] : [],
  );
}

function chartProps(namespace?: string) {
  return {
    labels: { ...SYSTEM_LABELS },
    disableResourceNameHashes: true,
    ...(namespace === undefined ? {} : { namespace }),
  };
}
