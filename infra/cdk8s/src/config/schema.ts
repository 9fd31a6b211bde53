import { nodeSettings } from "@pushcast/connect-node";
import { deletionCostSettings } from "@pushcast/deploy";
import { pushManagerSettings } from "@pushcast/push-manager";
import { sharedSettings, VERSION } from "@pushcast/runtime";
import { z } from "zod";
import {
  annotations,
  bytes,
  cidr,
  cpu,
  dnsLabel,
  dnsName,
  image,
  labels,
  secretKey,
} from "./fields.ts";
import { filesSection, notAmongSettings } from "./files.ts";
import { settingsSection, settingValue } from "./settings.ts";

/** Another value would contradict the manifests' Services, probes and policies. */
const GIVEN = "is given by the manifests";
const OWNED = {
  REGISTRY: GIVEN,
  ETCD_ENDPOINTS: GIVEN,
  NODES: GIVEN,
  OPS_PORT: GIVEN,
  OTEL_EXPORTER_OTLP_ENDPOINT: "stands in traces.endpoint",
  OTEL_EXPORTER_OTLP_HEADERS: "is a secret: put it into one, and name that in traces.headersSecret",
  OTEL_TRACES_SAMPLER_ARG: "stands in traces.ratio",
};
const OWNED_OF_EACH = { ...OWNED, GRPC_PORT: GIVEN, POD_NAME: GIVEN };
const FOR_ALL = "is the same in all processes: it stands in settings, for both services at once";
const SAME_EVERYWHERE = { LOG_BYTES: FOR_ALL, LOG_SECONDS: FOR_ALL, MAX_CONTENT_BYTES: FOR_ALL };

const replicas = (min: number, max: number) =>
  z
    .strictObject({
      min: z.int().min(1).default(min).describe("The fewest pods."),
      max: z
        .int()
        .min(1)
        .default(max)
        .describe("The most pods. The same as the fewest: no autoscaler."),
      cpuPercent: z
        .int()
        .min(1)
        .max(100)
        .default(70)
        .describe("CPU, of the requested, above which the autoscaler adds pods."),
    })
    .refine(({ min, max }) => min <= max, { path: ["max"], error: "must not be less than min" });

const resources = (defaults: { cpu: string; memory: string }) =>
  z
    .strictObject({
      cpu: cpu.default(defaults.cpu).describe("CPU that is reserved. There is no limit."),
      memory: bytes
        .default(defaults.memory)
        .describe("Memory that is reserved, and the limit at once."),
    })
    .prefault({});

const toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(["Exists", "Equal"]).optional(),
  value: z.string().optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
});

/** What each workload has. */
const pods = {
  nodeSelector: labels.default({}).describe("Labels of the machines that its pods may run on."),
  tolerations: z
    .array(toleration)
    .readonly()
    .default([])
    .describe("Taints of machines that its pods put up with."),
  priorityClassName: dnsName.optional().describe("The PriorityClass of its pods."),
  podAnnotations: annotations.default({}).describe("Annotations of its pods."),
};

const peer = z
  .strictObject({
    namespaceLabels: labels.optional().describe("Labels of namespaces; {} is every namespace."),
    podLabels: labels.optional().describe("Labels of pods; {} is every pod."),
    cidr: cidr.optional().describe("Addresses outside the cluster."),
  })
  .refine(
    ({ namespaceLabels, podLabels, cidr }) =>
      cidr === undefined
        ? namespaceLabels !== undefined || podLabels !== undefined
        : namespaceLabels === undefined && podLabels === undefined,
    "must have either cidr, or namespaceLabels, podLabels or both (with podLabels only: in this namespace)",
  );

/** Who may open a connection. */
const peers = z.union(
  [z.literal("anyone"), z.array(peer).min(1).readonly()],
  'must be "anyone" or a list of peers',
);

export const configSchema = z.strictObject({
  namespace: dnsLabel.default("pushcast").describe("The namespace of everything."),
  createNamespace: z
    .boolean()
    .default(true)
    .describe("Whether the namespace is one of the manifests. It admits restricted pods only."),
  images: z
    .strictObject({
      pushManager: image
        .default(`localhost/pushcast/push-manager:${VERSION}`)
        .describe("The push-manager."),
      connectNode: image
        .default(`localhost/pushcast/connect-node:${VERSION}`)
        .describe("The connect-node."),
      deletionCost: image
        .default(`localhost/pushcast/deletion-cost:${VERSION}`)
        .describe("The controller of deletion costs, where it is enabled."),
      etcd: image
        .default("gcr.io/etcd-development/etcd:v3.5.21")
        .describe("etcd, 3.5.12 or later: the probes need its /livez and /readyz."),
      pullPolicy: z
        .enum(["IfNotPresent", "Always", "Never"])
        .default("IfNotPresent")
        .describe("When images are pulled."),
      pullSecrets: z
        .array(dnsName)
        .readonly()
        .default([])
        .describe("Secrets with which images are pulled."),
    })
    .prefault({}),
  settings: settingsSection(sharedSettings, {
    ...OWNED,
    ...notAmongSettings(sharedSettings, "pushManager"),
  })
    .prefault({})
    .describe("Settings of both services, by the names of their environment variables."),
  pushManager: z
    .strictObject({
      replicas: replicas(2, 10).prefault({}),
      settings: settingsSection(pushManagerSettings, {
        ...OWNED_OF_EACH,
        ...SAME_EVERYWHERE,
        ...notAmongSettings(pushManagerSettings, "pushManager"),
        CONSOLE: "is on where pushManager.consoleTokenSecret says where its token is",
        CONSOLE_TOKEN:
          "is a secret: put it into one, and name that in pushManager.consoleTokenSecret",
      })
        .prefault({})
        .describe("Settings of the push-manager alone."),
      consoleTokenSecret: secretKey
        .optional()
        .describe(
          "Where CONSOLE_TOKEN is, as `{ name, key }` of a Secret: with it, push-managers have the console on their ops port.",
        ),
      files: filesSection(pushManagerSettings)
        .prefault({})
        .describe(
          "Where the files of its settings are, by the names of these: each `{ name, key }` of a Secret. It has them on a read-only volume.",
        ),
      resources: resources({ cpu: "500m", memory: "512Mi" }),
      ...pods,
    })
    .prefault({}),
  connectNode: z
    .strictObject({
      replicas: replicas(3, 20).prefault({}),
      sessionsPerPod: z
        .int()
        .min(1)
        .optional()
        .describe(
          "Sessions of a pod, on average, above which the autoscaler adds pods. It needs prometheus-adapter.",
        ),
      settings: settingsSection(nodeSettings, {
        ...OWNED_OF_EACH,
        ...SAME_EVERYWHERE,
        WS_PORT: GIVEN,
        POD_IP: GIVEN,
        ZONE: GIVEN,
        ...notAmongSettings(nodeSettings, "connectNode"),
        OPS_TOKEN: "is a secret: put it into one, and name that in connectNode.opsTokenSecret",
      })
        .prefault({})
        .describe("Settings of the connect-node alone."),
      files: filesSection(nodeSettings).prefault({}).describe("As `pushManager.files`."),
      opsTokenSecret: secretKey
        .optional()
        .describe(
          "Where OPS_TOKEN is, as `{ name, key }` of a Secret: with it, POST /drain is allowed from other pods.",
        ),
      sendBufferBytes: z
        .int()
        .min(4096)
        .optional()
        .describe(
          "The most that the kernel keeps for one client that does not read: the third value of net.ipv4.tcp_wmem. Kubernetes admits it from 1.32 on; before, the kubelet and the namespace must be told to.",
        ),
      service: z
        .strictObject({
          type: z
            .enum(["ClusterIP", "NodePort", "LoadBalancer"])
            .default("ClusterIP")
            .describe("LoadBalancer serves clients without an Ingress."),
          annotations: annotations.default({}).describe("Annotations of the Service."),
        })
        .prefault({}),
      resources: resources({ cpu: "1", memory: "4Gi" }),
      ...pods,
    })
    .prefault({}),
  etcd: z
    .strictObject({
      members: z
        .union([z.literal(1), z.literal(3), z.literal(5)], "must be 1, 3 or 5")
        .default(3)
        .describe(
          "How many. Where it changes, etcd has to be started anew, and all manifests applied.",
        ),
      storageClass: dnsName.optional().describe("The StorageClass; else the cluster's default."),
      storage: bytes
        .default("8Gi")
        .describe("The volume of a member. Where it changes, etcd has to be started anew."),
      spread: z
        .enum(["required", "preferred"])
        .default("required")
        .describe("Whether two members may never be on one machine, or rather not."),
      heartbeatMs: z
        .int()
        .min(10)
        .default(100)
        .describe("How often the leader says that it is there."),
      electionMs: z
        .int()
        .min(100)
        .max(50_000)
        .default(1000)
        .describe("How long the others wait for it: ten heartbeats; 2500 with slow disks."),
      resources: resources({ cpu: "250m", memory: "512Mi" }),
      ...pods,
    })
    .refine(({ heartbeatMs, electionMs }) => electionMs >= 5 * heartbeatMs, {
      path: ["electionMs"],
      error: "must be at least five times heartbeatMs, or etcd does not start",
    })
    .prefault({}),
  deletionCost: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          "Whether there is a controller that makes a scale-in take the connect-nodes with the fewest sessions.",
        ),
      settings: settingsSection(deletionCostSettings, {
        POD_NAMESPACE: GIVEN,
        POD_NAME: GIVEN,
        OPS_PORT: GIVEN,
      })
        .prefault({})
        .describe("Settings of the controller."),
      resources: resources({ cpu: "50m", memory: "256Mi" }),
      ...pods,
    })
    .prefault({}),
  tls: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          "Whether gRPC and etcd speak TLS, and managers, nodes and members of etcd show each other certificates of one CA. Where it changes, etcd has to be started anew.",
        ),
      secrets: z
        .strictObject({
          pushManager: dnsName
            .default("push-manager-tls")
            .describe("The push-managers' Secret, with `tls.crt`, `tls.key` and `ca.crt`."),
          connectNode: dnsName.default("connect-node-tls").describe("The connect-nodes'."),
          etcd: dnsName.default("etcd-tls").describe("etcd's."),
        })
        .prefault({}),
      issuer: z
        .strictObject({
          name: dnsName.describe("Its name."),
          kind: z.string().min(1).default("Issuer").describe("Its kind, such as ClusterIssuer."),
          group: dnsName.default("cert-manager.io").describe("Its API group."),
        })
        .optional()
        .describe(
          "cert-manager's issuer, as `{ name, kind, group }`, of Certificates that make these Secrets; else they are made by hand. It must be one that puts `ca.crt` into them, such as of the kind CA.",
        ),
    })
    .prefault({}),
  ingress: z
    .strictObject({
      enabled: z.boolean().default(true).describe("Whether there is an Ingress for clients."),
      hosts: z
        .array(dnsName)
        .readonly()
        .default([])
        .describe("The hosts that clients connect to; with none, any."),
      className: dnsName.optional().describe("The IngressClass; else the cluster's default."),
      annotations: annotations
        .default({
          "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
          "nginx.ingress.kubernetes.io/proxy-send-timeout": "3600",
          "nginx.ingress.kubernetes.io/load-balance": "ewma",
        })
        .describe("Annotations of the Ingress. Controllers ignore those that are not theirs."),
      tlsSecret: dnsName
        .optional()
        .describe("The Secret with the certificate of the hosts; else the controller's."),
    })
    .refine(({ hosts, tlsSecret }) => tlsSecret === undefined || hosts.length > 0, {
      path: ["hosts"],
      error: "is required with tlsSecret",
    })
    .prefault({}),
  network: z
    .strictObject({
      policies: z
        .boolean()
        .default(true)
        .describe("Whether there are NetworkPolicies. All that follows needs them."),
      clients: peers.default("anyone").describe("Who reaches the WebSocket port."),
      publishers: peers
        .default([{ namespaceLabels: {}, podLabels: { "pushcast.io/publisher": "true" } }])
        .describe("Who reaches the push-managers' gRPC port: the biz-servers."),
      metrics: peers
        .default([{ namespaceLabels: { "kubernetes.io/metadata.name": "monitoring" } }])
        .describe(
          "Who reaches the ports with metrics: Prometheus. `npm run deploy` reads them through the API server; where that is not let in, it tells of registered nodes by their readiness alone.",
        ),
      restrictEgress: z
        .boolean()
        .default(false)
        .describe("Whether pods reach only each other, where they have to, and DNS."),
      callees: peers
        .default("anyone")
        .describe(
          "With restrictEgress, whom connect-nodes ask at the URLs of their settings, such as JWT_JWKS_URL.",
        ),
      calleePorts: z
        .array(z.int().min(1).max(65_535))
        .readonly()
        .default([])
        .describe("The ports of their pods, where they are others than those of the URLs."),
    })
    .prefault({}),
  traces: z
    .strictObject({
      endpoint: settingValue(sharedSettings.OTEL_EXPORTER_OTLP_ENDPOINT)
        .optional()
        .describe(
          "The OTLP collector's URL for HTTP, such as http://collector.observability:4318, to which managers and nodes export traces. With none, nothing is traced.",
        ),
      ratio: z
        .number()
        .min(0)
        .max(1)
        .default(sharedSettings.OTEL_TRACES_SAMPLER_ARG.default)
        .describe("The share of pushes that begin a trace, of those that come without one."),
      headersSecret: secretKey
        .optional()
        .describe(
          "Where OTEL_EXPORTER_OTLP_HEADERS is, as `{ name, key }` of a Secret, such as a collector's API key.",
        ),
      collector: peers
        .default("anyone")
        .describe("With network.restrictEgress, who the collector is."),
      collectorPort: z
        .int()
        .min(1)
        .max(65_535)
        .optional()
        .describe("The port of its pods, where it is another than that of the URL."),
    })
    .prefault({}),
  monitoring: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe(
          "Whether there are ServiceMonitors, alerts and a dashboard. It needs the Prometheus operator.",
        ),
      labels: labels
        .default({ release: "kube-prometheus-stack" })
        .describe("Labels by which a Prometheus finds ServiceMonitors and alerts."),
      scrapeSeconds: z
        .int()
        .min(1)
        .max(60)
        .default(15)
        .describe("How often each pod is asked for its metrics."),
      runbookUrl: z
        .url()
        .default("https://example.com/pushcast/docs/runbook.md")
        .describe("Where docs/runbook.md is to be read: each alert refers to its section there."),
      dashboardLabels: labels
        .default({ grafana_dashboard: "1" })
        .describe("Labels by which a Grafana finds the dashboard."),
      dashboardAnnotations: annotations
        .default({ grafana_folder: "Pushcast" })
        .describe("Annotations of the dashboard, such as its folder."),
    })
    .prefault({}),
});

/** Everything that can be said of a deployment, complete and valid. */
export type Config = z.output<typeof configSchema>;

/** What a file of the user's own, or a profile, may say: any part of it. */
export type ConfigInput = Revocable<z.input<typeof configSchema>>;

/** Null, anywhere, takes away what a profile says. */
type Revocable<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]: Revocable<Value[Key]> | null }
    : Value;
