import type { ConfigInput } from "./schema.ts";

/** One machine, such as kind or k3d: one etcd, no autoscalers, nothing that a bare cluster lacks. */
const dev: ConfigInput = {
  pushManager: {
    replicas: { min: 1, max: 1 },
    resources: { cpu: "50m", memory: "384Mi" },
  },
  connectNode: {
    replicas: { min: 2, max: 2 },
    settings: { AUTH_MODE: "none", MAX_SESSIONS: 1000, DRAIN_SECONDS: 10 },
    resources: { cpu: "50m", memory: "384Mi" },
  },
  etcd: {
    members: 1,
    storage: "1Gi",
    spread: "preferred",
    resources: { cpu: "50m", memory: "256Mi" },
  },
  network: { publishers: "anyone", metrics: "anyone" },
  monitoring: { enabled: false },
};

/** Several machines in several zones, with metrics-server, an ingress controller and Prometheus. */
const prod: ConfigInput = {
  connectNode: {
    // Nothing else is available yet: whoever reaches the Ingress is believed.
    settings: { AUTH_MODE: "none", MAX_SESSIONS: 20_000 },
    resources: { memory: "2Gi" },
  },
  ingress: {
    className: "nginx",
    hosts: ["pushcast.example.com"],
    tlsSecret: "pushcast-tls",
  },
};

export const PROFILES = { dev, prod } as const;

export type ProfileName = keyof typeof PROFILES;
