import { resolveConfig } from "../../src/config/load.ts";
import { PROFILES } from "../../src/config/profiles.ts";
import type { Config, ConfigInput } from "../../src/config/schema.ts";

/** Says something of every option, and another thing than its default. */
export const EVERY_OPTION = {
  namespace: "push",
  createNamespace: false,
  images: {
    pushManager: "registry.example.com:5000/push-manager:1.2.3",
    connectNode: `registry.example.com/connect-node@sha256:${"0".repeat(64)}`,
    deletionCost: "registry.example.com/deletion-cost:1.2.3",
    etcd: "registry.example.com/etcd:v3.6.1",
    pullPolicy: "Always",
    pullSecrets: ["registry"],
  },
  settings: { LOG_SECONDS: 120, STOP_SECONDS: 20, LOG_LEVEL: "debug" },
  pushManager: {
    replicas: { min: 3, max: 9, cpuPercent: 60 },
    settings: { ACK_TIMEOUT_MS: 500, PUSH_AUTH: "mtls" },
    files: { PUSH_TOKENS_FILE: { name: "callers", key: "callers.yaml" } },
    resources: { cpu: "2", memory: "1Gi" },
    nodeSelector: { "example.com/pool": "push" },
    tolerations: [{ key: "example.com/pool", operator: "Exists", effect: "NoSchedule" }],
    priorityClassName: "important",
    podAnnotations: { "example.com/team": "push" },
    consoleTokenSecret: { name: "console", key: "token" },
  },
  connectNode: {
    replicas: { min: 4, max: 40, cpuPercent: 50 },
    sessionsPerPod: 8000,
    settings: {
      JWT_JWKS_URL: "https://accounts/keys",
      ALLOWED_ORIGINS: "https://app.example.com",
      MAX_SESSIONS: 10_000,
      DRAIN_SECONDS: 120.5,
    },
    files: { JWT_PUBLIC_KEY_FILE: null, TICKET_SECRET_FILE: { name: "tickets", key: "secrets" } },
    opsTokenSecret: { name: "ops", key: "token" },
    sendBufferBytes: 262_144,
    service: { type: "LoadBalancer", annotations: { "example.com/lb": "internal" } },
    resources: { cpu: "1500m", memory: "1.5Gi" },
    nodeSelector: { "example.com/pool": "connect" },
    tolerations: [{ key: "example.com/pool", operator: "Equal", value: "connect" }],
    priorityClassName: "important",
    podAnnotations: { "example.com/team": "push" },
  },
  etcd: {
    members: 5,
    storageClass: "fast",
    storage: "256Mi",
    spread: "preferred",
    heartbeatMs: 250,
    electionMs: 2500,
    resources: { cpu: "500m", memory: "1Gi" },
    nodeSelector: { "example.com/pool": "etcd" },
    tolerations: [{ operator: "Exists" }],
    priorityClassName: "most-important",
    podAnnotations: { "example.com/team": "push" },
  },
  deletionCost: {
    enabled: true,
    settings: { ROUND_SECONDS: 60 },
    resources: { cpu: "100m", memory: "192Mi" },
    nodeSelector: { "example.com/pool": "push" },
    tolerations: [{ key: "example.com/pool", operator: "Exists" }],
    priorityClassName: "unimportant",
    podAnnotations: { "example.com/team": "push" },
  },
  tls: {
    enabled: true,
    secrets: { pushManager: "manager-cert", connectNode: "node-cert", etcd: "etcd-cert" },
    issuer: { name: "company", kind: "ClusterIssuer", group: "cert-manager.io" },
  },
  ingress: {
    enabled: true,
    hosts: ["push.example.org", "push.example.net"],
    className: "traefik",
    annotations: { "example.com/timeout": "1h" },
    tlsSecret: "push-tls",
  },
  network: {
    policies: true,
    clients: [{ namespaceLabels: { "kubernetes.io/metadata.name": "traefik" } }],
    publishers: [
      { podLabels: { "app.kubernetes.io/name": "chat" } },
      { namespaceLabels: { "example.com/team": "captions" }, podLabels: {} },
    ],
    metrics: [{ cidr: "10.1.0.0/16" }],
    restrictEgress: true,
    callees: [{ podLabels: { "app.kubernetes.io/name": "accounts" } }],
    calleePorts: [8443],
  },
  traces: {
    endpoint: "https://collector.example.com/otlp",
    ratio: 0.05,
    headersSecret: { name: "collector", key: "headers" },
    collector: [{ podLabels: { app: "collector" } }],
    collectorPort: 4318,
  },
  monitoring: {
    enabled: true,
    labels: { "example.com/prometheus": "main" },
    scrapeSeconds: 30,
    runbookUrl: "https://docs.example.org/push/runbook",
    dashboardLabels: { "example.com/grafana": "main" },
    dashboardAnnotations: { "example.com/folder": "Push" },
  },
} as const satisfies ConfigInput;

/** As little as there can be. */
const WITHOUT_OPTIONALS = {
  createNamespace: false,
  ingress: { enabled: false },
  network: { policies: false },
} as const satisfies ConfigInput;

/** The configurations of which everything must hold. */
export const CONFIGS: readonly (readonly [name: string, config: Config])[] = [
  ...Object.keys(PROFILES).map((profile) => [profile, resolveConfig(profile)] as const),
  ["every option", resolveConfig("prod", EVERY_OPTION)],
  ["dev without what is optional", resolveConfig("dev", WITHOUT_OPTIONALS)],
];
