import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { k8s } from "../lib/k8s.ts";
import { SYSTEM_LABELS, type WorkloadName, workloadLabels } from "../lib/labels.ts";
import { PORTS, type Port } from "../lib/ports.ts";
import { type Outsider, PATHS, type Path } from "./paths.ts";

type Network = Config["network"];

const DNS_PORT = 53;

/** Lets connections through along the paths, and no others to the system's pods. */
export class NetworkPolicies extends Construct {
  constructor(scope: Construct, id: string, network: Network) {
    super(scope, id);
    const policyTypes = network.restrictEgress ? ["Ingress", "Egress"] : ["Ingress"];
    new k8s.KubeNetworkPolicy(this, "default-deny", {
      metadata: { name: "default-deny" },
      spec: { podSelector: { matchLabels: SYSTEM_LABELS }, policyTypes },
    });
    for (const workload of Object.keys(PORTS) as WorkloadName[]) {
      new k8s.KubeNetworkPolicy(this, workload, {
        metadata: { name: workload, labels: workloadLabels(workload) },
        spec: {
          podSelector: { matchLabels: workloadLabels(workload) },
          policyTypes,
          ingress: PATHS.filter(({ to }) => to === workload).map((path) => ingress(path, network)),
          ...(network.restrictEgress ? { egress: egress(workload) } : {}),
        },
      });
    }
  }
}

function ingress({ from, port }: Path, network: Network): k8s.NetworkPolicyIngressRule {
  return { ports: [policyPort(port)], ...peersOf(from, network) };
}

function egress(workload: WorkloadName): k8s.NetworkPolicyEgressRule[] {
  const paths = PATHS.filter(({ from }) => from === workload).map(({ to, port }) => ({
    to: [{ podSelector: { matchLabels: workloadLabels(to) } }],
    ports: [policyPort(port)],
  }));
  const dns = { ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: number(DNS_PORT) })) };
  return [...paths, dns];
}

/** Nothing where anyone may connect: a rule without `from` is for all. */
function peersOf(
  from: WorkloadName | Outsider,
  network: Network,
): Pick<k8s.NetworkPolicyIngressRule, "from"> {
  if (from !== "clients" && from !== "publishers" && from !== "metrics") {
    return { from: [{ podSelector: { matchLabels: workloadLabels(from) } }] };
  }
  const peers = network[from];
  if (peers === "anyone") return {};
  return {
    from: peers.map(({ namespaceLabels, podLabels, cidr }) => ({
      ...(namespaceLabels === undefined
        ? {}
        : { namespaceSelector: { matchLabels: namespaceLabels } }),
      ...(podLabels === undefined ? {} : { podSelector: { matchLabels: podLabels } }),
      ...(cidr === undefined ? {} : { ipBlock: { cidr } }),
    })),
  };
}

function policyPort(port: Port): k8s.NetworkPolicyPort {
  return { protocol: "TCP", port: number(port.number) };
}

function number(port: number): k8s.IntOrString {
  return k8s.IntOrString.fromNumber(port);
}
