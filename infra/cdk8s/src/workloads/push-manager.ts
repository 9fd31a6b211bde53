import { pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { addAutoscaler, fixedReplicas } from "../lib/autoscaler.ts";
import { environment, fromField, fromSecret } from "../lib/environment.ts";
import { k8s } from "../lib/k8s.ts";
import { workloadLabels } from "../lib/labels.ts";
import { heapLimit, managerMemoryBytes, requireMemory } from "../lib/memory.ts";
import { podTemplate, resources, spread } from "../lib/pod.ts";
import { containerPort, PORTS, withTls } from "../lib/ports.ts";
import { probes } from "../lib/probes.ts";
import { mountFiles } from "../lib/secret-files.ts";
import { tlsFiles } from "../lib/tls.ts";
import { tracesEnvironment } from "../lib/traces.ts";
import {
  addDisruptionBudget,
  addMetricsService,
  addService,
  addServiceAccount,
} from "../lib/workload-objects.ts";
import { etcdEndpoints } from "./etcd.ts";

const NAME = "push-manager";
const { grpc, ops } = PORTS[NAME];

/** What the kubelet itself takes between its signal and its patience's end, generously. */
const SLACK_SECONDS = 15;
const CALM_SECONDS = 300;

/** Takes pushes from biz-servers and sends them to every connect-node. */
export class PushManager extends Construct {
  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const { replicas } = config.pushManager;
    const ports = [config.tls.enabled ? withTls(grpc) : grpc];
    addServiceAccount(this, NAME);
    addService(this, { workload: NAME, ports });
    // For clients that spread their calls over all managers by themselves.
    addService(this, {
      workload: NAME,
      name: `${NAME}-headless`,
      ports,
      kind: "headless",
    });
    addMetricsService(this, NAME, ops);
    new k8s.KubeDeployment(this, "deployment", {
      metadata: { name: NAME, labels: workloadLabels(NAME) },
      spec: deployment(config),
    });
    addAutoscaler(this, { workload: NAME, replicas, calmSeconds: CALM_SECONDS });
    addDisruptionBudget(this, NAME, { maxUnavailable: 1, evictUnready: true });
  }
}

function deployment(config: Config): k8s.DeploymentSpec {
  const { pushManager, images, settings: shared, tls } = config;
  const files = mountFiles({ ...tlsFiles(tls, "pushManager"), ...pushManager.files });
  const { variables, settings } = environment(
    "pushManager",
    pushManagerSettings,
    pushManagerChecks,
    {
      POD_NAME: fromField("metadata.name"),
      ETCD_ENDPOINTS: etcdEndpoints(config),
      ...files.paths,
      ...tracesEnvironment(config.traces),
      ...consoleVariables(pushManager),
      ...shared,
      ...pushManager.settings,
    },
  );
  const { memory } = pushManager.resources;
  requireMemory("pushManager", memory, managerMemoryBytes(settings));
  return {
    ...fixedReplicas(pushManager.replicas),
    selector: { matchLabels: workloadLabels(NAME) },
    strategy: {
      type: "RollingUpdate",
      rollingUpdate: {
        maxUnavailable: k8s.IntOrString.fromNumber(0),
        maxSurge: k8s.IntOrString.fromNumber(1),
      },
    },
    template: podTemplate({
      workload: NAME,
      images,
      options: pushManager,
      graceSeconds: Math.ceil(settings.STOP_SECONDS + SLACK_SECONDS),
      container: {
        name: NAME,
        image: images.pushManager,
        env: [...variables, heapLimit(memory)],
        ports: [grpc, ops].map(containerPort),
        ...probes(ops),
        resources: resources(pushManager.resources),
        ...files.container,
      },
      spec: { topologySpreadConstraints: spread(NAME), ...files.pod },
    }),
  };
}

/** The console is there where its token is. */
function consoleVariables({ consoleTokenSecret }: Config["pushManager"]) {
  return consoleTokenSecret === undefined
    ? {}
    : { CONSOLE: "on", CONSOLE_TOKEN: fromSecret(consoleTokenSecret) };
}
