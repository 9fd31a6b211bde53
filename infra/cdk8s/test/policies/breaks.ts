import type { IServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import type { Manifest } from "../support/manifests.ts";
import * as lifecycle from "./lifecycle.ts";
import * as objects from "./objects.ts";
import * as pods from "./pods.ts";
import type { Policy } from "./policy.ts";
import * as ports from "./ports.ts";
import * as selectors from "./selectors.ts";

/** A change for the worse, and what the policy must say of it. */
export interface Break {
  readonly policy: Policy;
  readonly violation: string;
  break(manifests: readonly Manifest[]): Manifest[];
}

/**
 * Changes one field of one object.
 * @param field the path of it, with dots; a name in brackets has dots of its own
 * @param value undefined takes it away
 */
function change(name: string, field: string, value: unknown): Break["break"] {
  return (manifests) => {
    const broken = structuredClone([...manifests]);
    const [kind, objectName] = name.split("/");
    const manifest = broken.find(
      ({ kind: found, metadata }) => found === kind && metadata?.name === objectName,
    );
    const keys = [...field.matchAll(/\[([^\]]+)\]|([^.[\]]+)/g)].map(([, a, b]) => a ?? b ?? "");
    const last = keys.pop() ?? "";
    let holder = manifest as unknown as Record<string, unknown> | undefined;
    for (const key of keys) holder = holder?.[key] as Record<string, unknown> | undefined;
    if (holder === undefined) throw new Error(`${name} has no ${field}`);
    if (value === undefined) delete holder[last];
    else holder[last] = value;
    return broken;
  };
}

function remove(name: string): Break["break"] {
  return (manifests) =>
    manifests.filter(({ kind, metadata }) => `${kind}/${metadata?.name}` !== name);
}

function add(manifest: Manifest): Break["break"] {
  return (manifests) => [...manifests, manifest];
}

const monitor = (name: string, port: string): IServiceMonitor => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "ServiceMonitor",
  metadata: { name: "wrong" },
  spec: {
    selector: { matchLabels: { "app.kubernetes.io/name": name } },
    endpoints: [{ port }],
  },
});

const NODE = "Deployment/connect-node";
const MANAGER = "Deployment/push-manager";
const ETCD = "StatefulSet/etcd";
const POD = "spec.template.spec";
const CONTAINER = `${POD}.containers.0`;

export const BREAKS: readonly Break[] = [
  {
    policy: selectors.workloadsSelectTheirOwnPods,
    violation: `${NODE} selects the pods of nothing`,
    break: change(NODE, "spec.selector.matchLabels.[app.kubernetes.io/name]", "node"),
  },
  {
    policy: selectors.servicesSelectOneWorkload,
    violation: `Service/connect-node-metrics selects the pods of ${MANAGER}, ${NODE}, ${ETCD}`,
    break: change("Service/connect-node-metrics", "spec.selector", {
      "app.kubernetes.io/part-of": "pushcast",
    }),
  },
  {
    policy: selectors.servicesSelectOneWorkload,
    violation: `Service/push-manager selects the pods of ${NODE}`,
    break: change("Service/push-manager", "spec.selector", {
      "app.kubernetes.io/name": "connect-node",
    }),
  },
  {
    policy: selectors.budgetsSelectOneWorkload,
    violation: `PodDisruptionBudget/etcd selects the pods of ${NODE}`,
    break: change("PodDisruptionBudget/etcd", "spec.selector.matchLabels", {
      "app.kubernetes.io/name": "connect-node",
    }),
  },
  {
    policy: selectors.budgetsSelectOneWorkload,
    violation: "PodDisruptionBudget/etcd lets 2 go",
    break: change("PodDisruptionBudget/etcd", "spec.maxUnavailable", 2),
  },
  {
    policy: selectors.everyWorkloadHasABudget,
    violation: `${NODE} has none`,
    break: remove("PodDisruptionBudget/connect-node"),
  },
  {
    policy: selectors.autoscalersScaleAWorkload,
    violation: "HorizontalPodAutoscaler/connect-node scales Deployment/node",
    break: change("HorizontalPodAutoscaler/connect-node", "spec.scaleTargetRef.name", "node"),
  },
  {
    policy: selectors.autoscalersScaleAWorkload,
    violation: "HorizontalPodAutoscaler/push-manager scales Deployment/connect-node",
    break: change(
      "HorizontalPodAutoscaler/push-manager",
      "spec.scaleTargetRef.name",
      "connect-node",
    ),
  },
  {
    policy: selectors.monitorsSelectOnePort,
    violation: "ServiceMonitor/wrong takes port http of no Service",
    break: add(monitor("connect-node", "http")),
  },
  {
    policy: selectors.monitorsSelectOnePort,
    violation:
      "ServiceMonitor/wrong takes port grpc of Service/push-manager, Service/push-manager-headless",
    break: add(monitor("push-manager", "grpc")),
  },
  {
    policy: selectors.spreadsSelectTheirOwnPods,
    violation: `${NODE} looks at others`,
    break: change(NODE, `${POD}.topologySpreadConstraints.1.labelSelector.matchLabels`, {
      "app.kubernetes.io/name": "push-manager",
    }),
  },
  {
    policy: ports.servicePortsExist,
    violation: "Service/connect-node leads to port http",
    break: change("Service/connect-node", "spec.ports.0.targetPort", "http"),
  },
  {
    policy: ports.ingressPortsExist,
    violation: "Ingress/connect-node leads to connect-node:http",
    break: change(
      "Ingress/connect-node",
      "spec.rules.0.http.paths.0.backend.service.port.name",
      "http",
    ),
  },
  {
    policy: ports.ingressPortsExist,
    violation: "Ingress/connect-node leads to gateway:ws",
    break: change(
      "Ingress/connect-node",
      "spec.rules.0.http.paths.0.backend.service.name",
      "gateway",
    ),
  },
  {
    policy: ports.policyPortsExist,
    violation: "NetworkPolicy/etcd lets through to port 9100",
    break: change("NetworkPolicy/etcd", "spec.ingress.0.ports.0.port", 9100),
  },
  {
    policy: ports.probePortsExist,
    violation: `${MANAGER} asks port http`,
    break: change(MANAGER, `${CONTAINER}.readinessProbe.httpGet.port`, "http"),
  },
  {
    policy: ports.portsHaveAProtocol,
    violation: "Service/etcd has port peer of protocol undefined",
    break: change("Service/etcd", "spec.ports.1.protocol", undefined),
  },
  {
    policy: ports.portsHaveAProtocol,
    violation: `${NODE} has port a-name-too-long-to-use of protocol TCP`,
    break: change(NODE, `${CONTAINER}.ports.0.name`, "a-name-too-long-to-use"),
  },
  {
    policy: pods.containersHaveResources,
    violation: `${NODE} reserves undefined CPU and undefined memory, limited to undefined`,
    break: change(NODE, `${CONTAINER}.resources`, undefined),
  },
  {
    policy: pods.containersHaveResources,
    violation: `${NODE} reserves 1 CPU and 2Gi memory, limited to 4Gi`,
    break: change(NODE, `${CONTAINER}.resources.limits.memory`, "4Gi"),
  },
  {
    policy: pods.containersHaveProbes,
    violation: `${ETCD} is asked for /livez, /health, /readyz`,
    break: change(ETCD, `${CONTAINER}.livenessProbe.httpGet.path`, "/health"),
  },
  {
    policy: pods.containersHaveProbes,
    violation: `${MANAGER} is asked for nothing, /livez, /readyz`,
    break: change(MANAGER, `${CONTAINER}.startupProbe`, undefined),
  },
  {
    policy: pods.imagesArePinned,
    violation: `${NODE} runs pushcast/connect-node:latest`,
    break: change(NODE, `${CONTAINER}.image`, "pushcast/connect-node:latest"),
  },
  {
    policy: pods.imagesArePinned,
    violation: `${NODE} runs registry.example.com:5000/connect-node`,
    break: change(NODE, `${CONTAINER}.image`, "registry.example.com:5000/connect-node"),
  },
  {
    policy: pods.crashesLeaveTheirReason,
    violation: `${MANAGER} keeps File`,
    break: change(MANAGER, `${CONTAINER}.terminationMessagePolicy`, "File"),
  },
  {
    policy: pods.filesAreMounted,
    violation: `${NODE} has no /etc/pushcast/key for JWT_SECRET_FILE`,
    break: change(NODE, `${CONTAINER}.env.0`, {
      name: "JWT_SECRET_FILE",
      value: "/etc/pushcast/key",
    }),
  },
  {
    policy: pods.podsHaveNoToken,
    violation: `${NODE} mounts a token`,
    break: change(NODE, `${POD}.automountServiceAccountToken`, undefined),
  },
  {
    policy: pods.podsHaveNoToken,
    violation: "ServiceAccount/connect-node gives a token",
    break: change("ServiceAccount/connect-node", "automountServiceAccountToken", true),
  },
  {
    policy: pods.podsHaveNoToken,
    violation: `${NODE} runs as undefined`,
    break: change(NODE, `${POD}.serviceAccountName`, undefined),
  },
  {
    policy: pods.podsHaveNoToken,
    violation: `${NODE} runs as connect-node, which is not there`,
    break: remove("ServiceAccount/connect-node"),
  },
  {
    policy: pods.podsHaveNoServiceLinks,
    violation: `${ETCD} gets them`,
    break: change(ETCD, `${POD}.enableServiceLinks`, undefined),
  },
  {
    policy: pods.podsAreRestricted,
    violation: "Namespace/pushcast admits others",
    break: change(
      "Namespace/pushcast",
      "metadata.labels.[pod-security.kubernetes.io/enforce]",
      "baseline",
    ),
  },
  ...restrictedBreaks(),
  {
    policy: lifecycle.autoscaledHaveNoReplicas,
    violation: `${NODE} has both or neither`,
    break: change(NODE, "spec.replicas", 3),
  },
  {
    policy: lifecycle.autoscaledHaveNoReplicas,
    violation: `${MANAGER} has both or neither`,
    break: remove("HorizontalPodAutoscaler/push-manager"),
  },
  {
    policy: lifecycle.quantitiesAreStrings,
    violation: `${NODE}.${CONTAINER}.resources.requests.cpu is 1`,
    break: change(NODE, `${CONTAINER}.resources.requests.cpu`, 1),
  },
  {
    policy: lifecycle.podsHaveTimeToStop,
    violation: `${NODE} has 80 s and needs 80 s`,
    break: change(NODE, `${POD}.terminationGracePeriodSeconds`, 80),
  },
  {
    policy: lifecycle.podsHaveTimeToStop,
    violation: `${MANAGER} has 30 s and needs 600 s`,
    break: change(MANAGER, `${CONTAINER}.env.0`, { name: "STOP_SECONDS", value: "600" }),
  },
  {
    policy: lifecycle.variablesComeBeforeTheirUse,
    violation: `${ETCD} refers to $(POD_NAME)`,
    break: change(ETCD, `${CONTAINER}.env`, []),
  },
  {
    policy: lifecycle.variablesComeBeforeTheirUse,
    violation: `${NODE} refers to $(POD_IP)`,
    break: change(NODE, `${CONTAINER}.env.0`, { name: "ADDRESS", value: "$(POD_IP):50052" }),
  },
  {
    policy: objects.objectsAreLabelled,
    violation: "NetworkPolicy/default-deny does not",
    break: change("NetworkPolicy/default-deny", "metadata.labels", undefined),
  },
  {
    policy: objects.objectsAreInOneNamespace,
    violation: "Service/etcd is in undefined",
    break: change("Service/etcd", "metadata.namespace", undefined),
  },
  {
    policy: objects.objectsAreInOneNamespace,
    violation: "Namespace/pushcast is in pushcast",
    break: change("Namespace/pushcast", "metadata.namespace", "pushcast"),
  },
  {
    policy: objects.objectsHaveOneNameEach,
    violation: "Service/push-manager",
    break: change("Service/push-manager-headless", "metadata.name", "push-manager"),
  },
];

/** Each field that the level looks at, with a value that it refuses. */
function restrictedBreaks(): Break[] {
  const ofPod: [field: string, path: string, value: unknown][] = [
    ["host namespaces", "hostNetwork", true],
    ["host namespaces", "hostPID", true],
    ["host namespaces", "hostIPC", true],
    ["runAsNonRoot", "securityContext.runAsNonRoot", undefined],
    ["runAsUser", "securityContext.runAsUser", 0],
    ["seccompProfile", "securityContext.seccompProfile", undefined],
    ["seccompProfile", "securityContext.seccompProfile.type", "Unconfined"],
    ["sysctls", "securityContext.sysctls", [{ name: "net.core.somaxconn", value: "1" }]],
    ["volumes", "volumes", [{ name: "logs", hostPath: { path: "/var/log" } }]],
  ];
  const ofContainer: typeof ofPod = [
    ["allowPrivilegeEscalation", "securityContext.allowPrivilegeEscalation", undefined],
    ["capabilities.drop", "securityContext.capabilities.drop", ["NET_RAW"]],
    ["capabilities.add", "securityContext.capabilities.add", ["NET_ADMIN"]],
    ["privileged", "securityContext.privileged", true],
    ["procMount", "securityContext.procMount", "Unmasked"],
    ["runAsNonRoot", "securityContext.runAsNonRoot", false],
    ["runAsUser", "securityContext.runAsUser", 0],
    ["seccompProfile", "securityContext.seccompProfile", { type: "Unconfined" }],
    ["hostPort", "ports.0.hostPort", 8080],
    ["readOnlyRootFilesystem", "securityContext.readOnlyRootFilesystem", false],
  ];
  const breaks = (below: string, changes: typeof ofPod) =>
    changes.map(([field, path, value]) => ({
      policy: pods.podsAreRestricted,
      violation: `${NODE}: ${field}`,
      break: change(NODE, `${below}.${path}`, value),
    }));
  return [...breaks(POD, ofPod), ...breaks(CONTAINER, ofContainer)];
}
