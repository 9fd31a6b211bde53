import { type NodeSettings, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { Construct } from "constructs";
import { InvalidConfig } from "../config/invalid-config.ts";
import type { Config } from "../config/schema.ts";
import { addAutoscaler, fixedReplicas } from "../lib/autoscaler.ts";
import { type Environment, environment, fromField, fromSecret } from "../lib/environment.ts";
import { k8s } from "../lib/k8s.ts";
import { workloadLabels } from "../lib/labels.ts";
import { heapLimit, nodeMemoryBytes, requireMemory } from "../lib/memory.ts";
import { podTemplate, resources, spread } from "../lib/pod.ts";
import { RESTRICTED_POD } from "../lib/pod-security.ts";
import { containerPort, PORTS } from "../lib/ports.ts";
import { probes } from "../lib/probes.ts";
import { type MountedFiles, mountFiles } from "../lib/secret-files.ts";
import { tlsFiles } from "../lib/tls.ts";
import { tracesEnvironment } from "../lib/traces.ts";
import {
  addDisruptionBudget,
  addMetricsService,
  addService,
  addServiceAccount,
} from "../lib/workload-objects.ts";
import { SESSIONS_METRIC } from "../monitoring/adapter-rule.ts";
import { etcdEndpoints } from "./etcd.ts";

const NAME = "connect-node";
const { ws, grpc, ops } = PORTS[NAME];

/** What the kubelet itself takes between its signal and its patience's end, generously. */
const SLACK_SECONDS = 20;
/** Between two steps of a rollout, so that the clients of one node settle before the next is drained. */
const MIN_READY_SECONDS = 15;
const CALM_SECONDS = 600;
/** The first two values of net.ipv4.tcp_wmem, as kernels have them. */
const SEND_BUFFER_START = "4096 16384";

/** Delivers to the WebSocket clients that are connected to it. */
export class ConnectNode extends Construct {
  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const { replicas, sessionsPerPod, service } = config.connectNode;
    addServiceAccount(this, NAME);
    // Managers and other nodes take a node's address from etcd: its gRPC port has no Service.
    addService(this, { workload: NAME, ports: [ws], ...service });
    addMetricsService(this, NAME, ops);
    new k8s.KubeDeployment(this, "deployment", {
      metadata: { name: NAME, labels: workloadLabels(NAME) },
      spec: deployment(config),
    });
    addAutoscaler(this, {
      workload: NAME,
      replicas,
      calmSeconds: CALM_SECONDS,
      ...(sessionsPerPod === undefined
        ? {}
        : { metric: { name: SESSIONS_METRIC, average: sessionsPerPod } }),
    });
    addDisruptionBudget(this, NAME, { maxUnavailable: "10%", evictUnready: true });
  }
}

/** What a connect-node of these manifests is started with. */
export function nodeEnvironment(
  config: Config,
  { paths }: MountedFiles = nodeFiles(config),
): Environment<typeof nodeSettings> {
  const { opsTokenSecret } = config.connectNode;
  return environment("connectNode", nodeSettings, nodeChecks, {
    POD_NAME: fromField("metadata.name"),
    POD_IP: fromField("status.podIP"),
    // Empty, and so unset, where pods do not have the label.
    ZONE: fromField("metadata.labels['topology.kubernetes.io/zone']"),
    ETCD_ENDPOINTS: etcdEndpoints(config),
    ...paths,
    OPS_TOKEN: opsTokenSecret === undefined ? undefined : fromSecret(opsTokenSecret),
    ...tracesEnvironment(config.traces),
    ...config.settings,
    ...config.connectNode.settings,
  });
}

function nodeFiles({ tls, connectNode }: Config): MountedFiles {
  return mountFiles({ ...tlsFiles(tls, "connectNode"), ...connectNode.files });
}

/** How long a connect-node may take to stop, before the kubelet kills it. */
export function nodeGraceSeconds(settings: NodeSettings): number {
  const { DRAIN_ACCEPT_SECONDS, DRAIN_SECONDS, STOP_SECONDS } = settings;
  return Math.ceil(DRAIN_ACCEPT_SECONDS + DRAIN_SECONDS + STOP_SECONDS + SLACK_SECONDS);
}

function deployment(config: Config): k8s.DeploymentSpec {
  const { connectNode, images } = config;
  const { sendBufferBytes, sessionsPerPod } = connectNode;
  const files = nodeFiles(config);
  const { variables, settings } = nodeEnvironment(config, files);
  const { memory } = connectNode.resources;
  requireMemory("connectNode", memory, nodeMemoryBytes(settings));
  if (sessionsPerPod !== undefined && sessionsPerPod > settings.MAX_SESSIONS) {
    const problem = `${sessionsPerPod} is above MAX_SESSIONS, ${settings.MAX_SESSIONS}: no pod would ever be added`;
    throw new InvalidConfig([{ path: "connectNode.sessionsPerPod", problem }]);
  }
  return {
    ...fixedReplicas(connectNode.replicas),
    minReadySeconds: MIN_READY_SECONDS,
    selector: { matchLabels: workloadLabels(NAME) },
    strategy: {
      type: "RollingUpdate",
      rollingUpdate: {
        maxUnavailable: k8s.IntOrString.fromNumber(0),
        maxSurge: k8s.IntOrString.fromString("25%"),
      },
    },
    template: podTemplate({
      workload: NAME,
      images,
      options: connectNode,
      graceSeconds: nodeGraceSeconds(settings),
      container: {
        name: NAME,
        image: images.connectNode,
        env: [...variables, heapLimit(memory)],
        ports: [ws, grpc, ops].map(containerPort),
        ...probes(ops),
        resources: resources(connectNode.resources),
        ...files.container,
      },
      spec: {
        topologySpreadConstraints: spread(NAME),
        ...files.pod,
        ...(sendBufferBytes === undefined
          ? {}
          : {
              securityContext: {
                ...RESTRICTED_POD,
                ...files.pod.securityContext,
                sysctls: [
                  { name: "net.ipv4.tcp_wmem", value: `${SEND_BUFFER_START} ${sendBufferBytes}` },
                ],
              },
            }),
      },
    }),
  };
}
