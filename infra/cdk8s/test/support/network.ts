import { isIPv4 } from "node:net";
import type {
  INetworkPolicyPeer,
  INetworkPolicyPort,
} from "kubernetes-models/networking.k8s.io/v1";
import { type Labels, type Manifest, ofKind, selects, workloadsOf } from "./manifests.ts";

/** One end of a connection. */
export type End =
  | {
      readonly labels: Labels;
      readonly namespace: { readonly name: string; readonly labels?: Labels };
    }
  /** Outside of the cluster, or a machine of it. */
  | { readonly ip: string };

export interface Connection {
  readonly from: End;
  readonly to: End;
  readonly port: number;
  /** @default TCP */
  readonly protocol?: "TCP" | "UDP";
}

/** Whether the NetworkPolicies let a connection through, by the rules of Kubernetes. */
export function letsThrough(manifests: readonly Manifest[], connection: Connection): boolean {
  const { from, to } = connection;
  return (
    passes(manifests, "Egress", { ...connection, own: from, other: to }) &&
    passes(manifests, "Ingress", { ...connection, own: to, other: from })
  );
}

/** The ends that a configuration's workloads are. */
export function workloadEnds(manifests: readonly Manifest[]): Map<string, End> {
  return new Map(
    workloadsOf(manifests).map(({ manifest, labels }) => [
      manifest.metadata?.name ?? "",
      { labels, namespace: { name: manifest.metadata?.namespace ?? "" } },
    ]),
  );
}

interface Side extends Connection {
  readonly own: End;
  readonly other: End;
}

function passes(manifests: readonly Manifest[], type: "Ingress" | "Egress", side: Side): boolean {
  const { own } = side;
  if ("ip" in own) return true;
  const policies = ofKind(manifests, "NetworkPolicy").filter(
    ({ metadata, spec }) =>
      metadata?.namespace === own.namespace.name &&
      spec?.policyTypes?.includes(type) &&
      selects(spec.podSelector?.matchLabels, own.labels),
  );
  if (policies.length === 0) return true;
  return policies.some(({ metadata, spec }) => {
    const rules =
      type === "Ingress"
        ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
        : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
    return rules.some(
      ({ peers, ports }) =>
        (ports === undefined || ports.some((port) => isPort(port, side))) &&
        (peers === undefined ||
          peers.some((peer) => isPeer(peer, side.other, metadata?.namespace ?? ""))),
    );
  });
}

function isPort(allowed: INetworkPolicyPort, { port, protocol = "TCP" }: Connection): boolean {
  return allowed.port === port && allowed.protocol === protocol;
}

function isPeer(peer: INetworkPolicyPeer, end: End, policyNamespace: string): boolean {
  if (peer.ipBlock !== undefined) return "ip" in end && isInBlock(end.ip, peer.ipBlock.cidr);
  if ("ip" in end) return false;
  const isInNamespace =
    peer.namespaceSelector === undefined
      ? end.namespace.name === policyNamespace
      : selects(peer.namespaceSelector.matchLabels, {
          "kubernetes.io/metadata.name": end.namespace.name,
          ...end.namespace.labels,
        });
  return isInNamespace && selects(peer.podSelector?.matchLabels, end.labels);
}

function isInBlock(ip: string, cidr: string): boolean {
  const [network = "", bits = ""] = cidr.split("/");
  if (!isIPv4(ip) || !isIPv4(network)) throw new Error(`no IPv4: ${ip} in ${cidr}`);
  const prefix = (address: string) =>
    address
      .split(".")
      .map((byte) => Number(byte).toString(2).padStart(8, "0"))
      .join("")
      .slice(0, Number(bits));
  return prefix(ip) === prefix(network);
}
