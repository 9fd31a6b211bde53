import type { ConfigInput } from "./schema.ts";

/** One machine, such as kind or k3d: one etcd, no autoscalers, nothing that a bare cluster lacks. */
const dev: ConfigInput = {
  pushManager: {
    replicas: { min: 1, max: 1 },
    resources: { cpu: "50m", memory: "384Mi" },
  },
  connectNode: {
    replicas: { min: 2, max: 2 },
    settings: {
      AUTH_MODE: "none",
      AUTH_NONE_IN_PRODUCTION: "i-know-that-anybody-can-be-anybody",
      MAX_SESSIONS: 1000,
      DRAIN_SECONDS: 10,
    },
    resources: { cpu: "50m", memory: "448Mi" },
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

/**
 * Several machines in several zones, with metrics-server, an ingress controller and Prometheus. Clients and
 * publishers show tokens, and everybody within shows a certificate.
 */
const prod: ConfigInput = {
  pushManager: {
    settings: { PUSH_AUTH: "token" },
    files: { PUSH_TOKENS_FILE: { name: "pushcast-callers", key: "callers.yaml" } },
  },
  connectNode: {
    settings: { MAX_SESSIONS: 20_000 },
    files: {
      JWT_PUBLIC_KEY_FILE: { name: "pushcast-jwt", key: "public.pem" },
      TICKET_SECRET_FILE: { name: "pushcast-tickets", key: "secrets" },
    },
    resources: { memory: "2Gi" },
  },
  tls: { enabled: true },
  ingress: {
    className: "nginx",
    hosts: ["pushcast.example.com"],
    tlsSecret: "pushcast-tls",
  },
};

export const PROFILES = { dev, prod } as const;

export type ProfileName = keyof typeof PROFILES;
