import { k8s } from "./k8s.ts";
import type { WorkloadName } from "./labels.ts";

/** A TCP port of a workload's pods. Services, probes and policies refer to it by its name. */
export interface Port {
  /** At most 15 characters: Kubernetes takes no more. */
  readonly name: string;
  readonly number: number;
  /** What a Service says of the protocol within TCP, for meshes and gateways. @default none */
  readonly appProtocol?: string;
}

/** Every port, by workload. Those of the services are the defaults of their settings. */
export const PORTS = {
  etcd: {
    client: { name: "client", number: 2379 },
    peer: { name: "peer", number: 2380 },
    metrics: { name: "metrics", number: 2381 },
  },
  "push-manager": {
    grpc: { name: "grpc", number: 50051, appProtocol: "kubernetes.io/h2c" },
    ops: { name: "ops", number: 9100 },
  },
  "connect-node": {
    ws: { name: "ws", number: 8080, appProtocol: "kubernetes.io/ws" },
    grpc: { name: "grpc", number: 50052, appProtocol: "kubernetes.io/h2c" },
    ops: { name: "ops", number: 9100 },
  },
  "deletion-cost": {
    ops: { name: "ops", number: 9100 },
  },
} as const satisfies Record<WorkloadName, Record<string, Port>>;

/** As server-side apply asks for it: with the protocol, which is part of its key. */
export function containerPort(port: Port): k8s.ContainerPort {
  return { name: port.name, containerPort: port.number, protocol: "TCP" };
}

/** The port where TLS is spoken: what it says of the protocol without is not so. */
export function withTls({ name, number }: Port): Port {
  return { name, number };
}

/** A Service's port, under the same number as the pods'. */
export function servicePort({ name, number, appProtocol }: Port): k8s.ServicePort {
  return {
    name,
    port: number,
    protocol: "TCP",
    targetPort: k8s.IntOrString.fromString(name),
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}
