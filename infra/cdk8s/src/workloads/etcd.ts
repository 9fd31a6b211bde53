import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { fromField } from "../lib/environment.ts";
import { k8s } from "../lib/k8s.ts";
import { workloadLabels } from "../lib/labels.ts";
import { podTemplate, resources, spread } from "../lib/pod.ts";
import { RESTRICTED_POD_WITH_VOLUMES } from "../lib/pod-security.ts";
import { containerPort, PORTS } from "../lib/ports.ts";
import { probes } from "../lib/probes.ts";
import { bytesOf, quantity } from "../lib/quantities.ts";
import { TLS_KEYS } from "../lib/tls.ts";
import { addDisruptionBudget, addService, addServiceAccount } from "../lib/workload-objects.ts";

const NAME = "etcd";
const { client, peer, metrics } = PORTS.etcd;

const VOLUME = "data";
const MOUNT_PATH = "/var/lib/etcd";
/** Below the mount: etcd wants a folder of its own, which nobody else can read. */
const DATA_FOLDER = `${MOUNT_PATH}/data`;
/** The member's own name, which its certificate has. */
const SELF = `$(POD_NAME).${NAME}`;
/** The nodes' keys are below a megabyte; the rest is room for their history. */
const QUOTA_BYTES = 512 * 1024 ** 2;
const STOP_SECONDS = 30;
const TLS_VOLUME = "tls";
const TLS_PATH = "/etc/etcd";
/** For the pod's own group alone. */
const TLS_MODE = 0o440;

/** The members' names below the headless Service: the same in every namespace and cluster. */
export function etcdHosts({ members }: Config["etcd"]): string[] {
  return Array.from({ length: members }, (_, index) => `${NAME}-${index}.${NAME}`);
}

/** Client URLs of all members, with commas between them. */
export function etcdEndpoints({ etcd, tls }: Config): string {
  return etcdHosts(etcd)
    .map((host) => `${scheme(tls)}://${host}:${client.number}`)
    .join(",");
}

function scheme({ enabled }: Config["tls"]): "http" | "https" {
  return enabled ? "https" : "http";
}

/** The registry: a StatefulSet with a volume for each member. */
export class Etcd extends Construct {
  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    addServiceAccount(this, NAME);
    // Also members that are not ready: without them a new cluster would never find together.
    addService(this, {
      workload: NAME,
      ports: [client, peer, metrics],
      kind: "headless-all",
    });
    new k8s.KubeStatefulSet(this, "stateful-set", {
      metadata: { name: NAME, labels: workloadLabels(NAME) },
      spec: statefulSet(config),
    });
    // A member that is not ready may be what the majority waits for.
    addDisruptionBudget(this, NAME, { maxUnavailable: 1, evictUnready: false });
  }
}

function statefulSet(config: Config): k8s.StatefulSetSpec {
  const { etcd, images, tls } = config;
  return {
    serviceName: NAME,
    replicas: etcd.members,
    // One after another, the first would wait for ever for a majority.
    podManagementPolicy: "Parallel",
    updateStrategy: { type: "RollingUpdate" },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    selector: { matchLabels: workloadLabels(NAME) },
    template: podTemplate({
      workload: NAME,
      images,
      options: etcd,
      graceSeconds: STOP_SECONDS,
      container: container(config),
      spec: {
        ...(tls.enabled
          ? {
              volumes: [
                {
                  name: TLS_VOLUME,
                  secret: { secretName: tls.secrets.etcd, defaultMode: TLS_MODE },
                },
              ],
            }
          : {}),
        securityContext: RESTRICTED_POD_WITH_VOLUMES,
        affinity: { podAntiAffinity: antiAffinity(etcd.spread) },
        topologySpreadConstraints: spread(NAME),
      },
    }),
    volumeClaimTemplates: [
      {
        metadata: { name: VOLUME, labels: workloadLabels(NAME) },
        spec: {
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: quantity(etcd.storage) } },
          ...(etcd.storageClass === undefined ? {} : { storageClassName: etcd.storageClass }),
        },
      },
    ],
  };
}

function container({ etcd, images, tls }: Config): k8s.Container {
  return {
    name: NAME,
    image: images.etcd,
    command: ["etcd", ...flags(etcd, tls)],
    env: [{ name: "POD_NAME", valueFrom: fromField("metadata.name") }, ...etcdctl(tls)],
    ports: [client, peer, metrics].map(containerPort),
    // /livez, not /health: a member without a majority is not helped by a restart.
    ...probes(metrics),
    resources: resources(etcd.resources),
    volumeMounts: [
      { name: VOLUME, mountPath: MOUNT_PATH },
      ...(tls.enabled ? [{ name: TLS_VOLUME, mountPath: TLS_PATH, readOnly: true }] : []),
    ],
  };
}

/** So that `kubectl exec etcd-0 -- etcdctl …` reaches the pod's own member, also with TLS. */
function etcdctl(tls: Config["tls"]): k8s.EnvVar[] {
  const files = {
    CACERT: `${TLS_PATH}/${TLS_KEYS.ca}`,
    CERT: `${TLS_PATH}/${TLS_KEYS.certificate}`,
    KEY: `${TLS_PATH}/${TLS_KEYS.key}`,
  };
  const values = {
    ENDPOINTS: `${scheme(tls)}://${SELF}:${client.number}`,
    ...(tls.enabled ? files : {}),
  };
  return Object.entries(values).map(([name, value]) => ({ name: `ETCDCTL_${name}`, value }));
}

function flags(etcd: Config["etcd"], tls: Config["tls"]): string[] {
  const http = scheme(tls);
  const cluster = etcdHosts(etcd).map(
    (host, index) => `${NAME}-${index}=${http}://${host}:${peer.number}`,
  );
  const quotaBytes = Math.min(QUOTA_BYTES, (bytesOf(etcd.storage) ?? 0) / 2);
  return [
    "--name=$(POD_NAME)",
    `--data-dir=${DATA_FOLDER}`,
    `--listen-client-urls=${http}://0.0.0.0:${client.number}`,
    `--advertise-client-urls=${http}://${SELF}:${client.number}`,
    `--listen-peer-urls=${http}://0.0.0.0:${peer.number}`,
    `--initial-advertise-peer-urls=${http}://${SELF}:${peer.number}`,
    // The probes have no certificate.
    `--listen-metrics-urls=http://0.0.0.0:${metrics.number}`,
    `--initial-cluster=${cluster.join(",")}`,
    "--initial-cluster-state=new",
    "--initial-cluster-token=pushcast",
    `--heartbeat-interval=${etcd.heartbeatMs}`,
    `--election-timeout=${etcd.electionMs}`,
    "--auto-compaction-mode=periodic",
    "--auto-compaction-retention=1h",
    `--quota-backend-bytes=${Math.floor(quotaBytes)}`,
    "--snapshot-count=10000",
    ...(tls.enabled ? tlsFlags() : []),
  ];
}

/** etcd reads its certificate and key anew for each connection. */
function tlsFlags(): string[] {
  const files = [
    `cert-file=${TLS_PATH}/${TLS_KEYS.certificate}`,
    `key-file=${TLS_PATH}/${TLS_KEYS.key}`,
    `trusted-ca-file=${TLS_PATH}/${TLS_KEYS.ca}`,
    "client-cert-auth",
  ];
  return ["--", "--peer-"].flatMap((prefix) => files.map((flag) => `${prefix}${flag}`));
}

/** So that one machine's end is one member's end. */
function antiAffinity(spread: Config["etcd"]["spread"]): k8s.PodAntiAffinity {
  const apart: k8s.PodAffinityTerm = {
    topologyKey: "kubernetes.io/hostname",
    labelSelector: { matchLabels: workloadLabels(NAME) },
  };
  return spread === "required"
    ? { requiredDuringSchedulingIgnoredDuringExecution: [apart] }
    : {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: apart }],
      };
}
