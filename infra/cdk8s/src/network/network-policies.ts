import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { k8s } from "../lib/k8s.ts";
import { SYSTEM_LABELS, type WorkloadName, workloadLabels } from "../lib/labels.ts";
import type { Port } from "../lib/ports.ts";
import { isOutsider, type Outsider, PATHS, type Path } from "./paths.ts";

type Network = Config["network"];
type Peer = Exclude<Network["clients"], "anyone">[number];

export interface NetworkPoliciesProps {
  readonly network: Network;
  /** Those that there are: a path from or to another one is not drawn. */
  readonly workloads: readonly WorkloadName[];
  /** What connect-nodes ask, beside etcd and each other. */
  readonly calledUrls: readonly string[];
  /** Where managers and nodes send traces. */
  readonly traces: Config["traces"];
}

const DNS_PORT = 53;
/** Where clusters have their API server, at an address that manifests cannot know. */
const API_SERVER_PORTS = [443, 6443];

/** Lets connections through along the paths, and no others to the system's pods. */
export class NetworkPolicies extends Construct {
  constructor(scope: Construct, id: string, props: NetworkPoliciesProps) {
    super(scope, id);
    const { network, workloads } = props;
    const paths = PATHS.filter(({ from }) => isOutsider(from) || workloads.includes(from));
    const policyTypes = network.restrictEgress ? ["Ingress", "Egress"] : ["Ingress"];
    new k8s.KubeNetworkPolicy(this, "default-deny", {
      metadata: { name: "default-deny" },
      spec: { podSelector: { matchLabels: SYSTEM_LABELS }, policyTypes },
    });
    for (const workload of workloads) {
      new k8s.KubeNetworkPolicy(this, workload, {
        metadata: { name: workload, labels: workloadLabels(workload) },
        spec: {
          podSelector: { matchLabels: workloadLabels(workload) },
          policyTypes,
          ingress: paths.filter(({ to }) => to === workload).map((path) => ingress(path, network)),
          ...(network.restrictEgress ? { egress: egress(workload, props) } : {}),
        },
      });
    }
  }
}

function ingress({ from, port }: Path, network: Network): k8s.NetworkPolicyIngressRule {
  return { ports: [policyPort(port)], ...peersOf(from, network) };
}

function egress(
  workload: WorkloadName,
  props: NetworkPoliciesProps,
): k8s.NetworkPolicyEgressRule[] {
  const paths = PATHS.filter(({ from }) => from === workload).map(({ to, port }) => ({
    to: [{ podSelector: { matchLabels: workloadLabels(to) } }],
    ports: [policyPort(port)],
  }));
  const dns = { ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: number(DNS_PORT) })) };
  switch (workload) {
    case "deletion-cost":
      return [...paths, dns, { ports: tcpPorts(API_SERVER_PORTS) }];
    case "connect-node":
      return [...paths, dns, ...calls(props), ...exports(props)];
    case "push-manager":
      return [...paths, dns, ...exports(props)];
    default:
      return [...paths, dns];
  }
}

/** Those whom connect-nodes ask, at the ports of the URLs unless others are named. */
function calls({ network, calledUrls }: NetworkPoliciesProps): k8s.NetworkPolicyEgressRule[] {
  if (calledUrls.length === 0) return [];
  const { callees, calleePorts } = network;
  const ports = calleePorts.length > 0 ? calleePorts : [...new Set(calledUrls.map(portOf))].sort();
  return [egressTo(callees, ports)];
}

/** The collector of traces, if there is one. */
function exports({ traces }: NetworkPoliciesProps): k8s.NetworkPolicyEgressRule[] {
  const { endpoint, collector, collectorPort } = traces;
  if (endpoint === undefined) return [];
  return [egressTo(collector, [collectorPort ?? portOf(String(endpoint))])];
}

function egressTo(
  peers: Network["callees"],
  ports: readonly number[],
): k8s.NetworkPolicyEgressRule {
  const rule = { ports: tcpPorts(ports) };
  return peers === "anyone" ? rule : { ...rule, to: peers.map(policyPeer) };
}

function portOf(url: string): number {
  const { protocol, port } = new URL(url);
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}

/** Nothing where anyone may connect: a rule without `from` is for all. */
function peersOf(
  from: WorkloadName | Outsider,
  network: Network,
): Pick<k8s.NetworkPolicyIngressRule, "from"> {
  if (!isOutsider(from)) {
    return { from: [{ podSelector: { matchLabels: workloadLabels(from) } }] };
  }
  const peers = network[from];
  return peers === "anyone" ? {} : { from: peers.map(policyPeer) };
}

function policyPeer({ namespaceLabels, podLabels, cidr }: Peer): k8s.NetworkPolicyPeer {
  return {
    ...(namespaceLabels === undefined
      ? {}
      : { namespaceSelector: { matchLabels: namespaceLabels } }),
    ...(podLabels === undefined ? {} : { podSelector: { matchLabels: podLabels } }),
    ...(cidr === undefined ? {} : { ipBlock: { cidr } }),
  };
}

function tcpPorts(ports: readonly number[]): k8s.NetworkPolicyPort[] {
  return ports.map((port) => ({ protocol: "TCP", port: number(port) }));
}

function policyPort(port: Port): k8s.NetworkPolicyPort {
  return { protocol: "TCP", port: number(port.number) };
}

function number(port: number): k8s.IntOrString {
  return k8s.IntOrString.fromNumber(port);
}
