import type { WorkloadName } from "../lib/labels.ts";
import { PORTS, type Port } from "../lib/ports.ts";

/** Those outside the system who reach into it; the configuration says who they are. */
export type Outsider = "clients" | "publishers" | "metrics";

export function isOutsider(end: WorkloadName | Outsider): end is Outsider {
  return end === "clients" || end === "publishers" || end === "metrics";
}

/** Who opens connections to which port of whose pods. */
export interface Path {
  readonly from: WorkloadName | Outsider;
  readonly to: WorkloadName;
  readonly port: Port;
}

/** All paths that there are. The kubelet needs none. */
export const PATHS: readonly Path[] = [
  { from: "clients", to: "connect-node", port: PORTS["connect-node"].ws },
  { from: "publishers", to: "push-manager", port: PORTS["push-manager"].grpc },
  // The links.
  { from: "push-manager", to: "connect-node", port: PORTS["connect-node"].grpc },
  // Nodes read each other's logs.
  { from: "connect-node", to: "connect-node", port: PORTS["connect-node"].grpc },
  { from: "push-manager", to: "etcd", port: PORTS.etcd.client },
  { from: "connect-node", to: "etcd", port: PORTS.etcd.client },
  { from: "etcd", to: "etcd", port: PORTS.etcd.peer },
  // To read how many sessions each has.
  { from: "deletion-cost", to: "connect-node", port: PORTS["connect-node"].ops },
  { from: "metrics", to: "deletion-cost", port: PORTS["deletion-cost"].ops },
  { from: "metrics", to: "push-manager", port: PORTS["push-manager"].ops },
  { from: "metrics", to: "connect-node", port: PORTS["connect-node"].ops },
  { from: "metrics", to: "etcd", port: PORTS.etcd.metrics },
];
