import type {
  V1Deployment,
  V1PodStatus,
  V1Service,
  V2HorizontalPodAutoscaler,
} from "@kubernetes/client-node";
import type { KubeObject } from "../src/kube-object.ts";
import type { KubeServer } from "./kube-server.ts";

export const READY: V1PodStatus = { conditions: [{ type: "Ready", status: "True" }] };

/** Plays controllers and kubelets for which all goes well, and at once. */
export function rollOutAtOnce(server: KubeServer): void {
  server.onApplied = (object) => {
    if (object.kind === "Deployment" || object.kind === "StatefulSet") rollOut(server, object);
    if (object.kind === "HorizontalPodAutoscaler") scale(server, object);
    putEndpoints(server);
  };
}

function rollOut(server: KubeServer, object: KubeObject): void {
  const { length } = putPods(server, object, READY);
  putStatus(server, object, {
    replicas: length,
    updatedReplicas: length,
    readyReplicas: length,
    availableReplicas: length,
  });
}

/** Gives a Deployment the pods that its autoscaler wants at least. */
export function scale(server: KubeServer, autoscaler: KubeObject): void {
  const { spec } = autoscaler as unknown as V2HorizontalPodAutoscaler;
  const path = `/apis/apps/v1/namespaces/pushcast/deployments/${spec?.scaleTargetRef.name}`;
  const deployment = server.objects.get(path);
  if (deployment === undefined) return;
  const scaled = { ...(deployment.spec as object), replicas: spec?.minReplicas };
  rollOut(server, server.put({ ...deployment, spec: scaled }));
}

/** Puts a workload's status, as its controller does when it has seen the object. */
export function putStatus(server: KubeServer, object: KubeObject, status: object): void {
  const { generation } = object.metadata;
  server.keep({ ...object, status: { observedGeneration: generation, ...status } });
}

/** Puts the pods of a workload, all with one status, and a Deployment's ReplicaSet. */
export function putPods(server: KubeServer, object: KubeObject, status: V1PodStatus): KubeObject[] {
  const { metadata } = object;
  const { replicas = 1, template } = (object as unknown as V1Deployment).spec ?? {};
  const hash = { "pod-template-hash": "new" };
  const labels = { ...template?.metadata?.labels, ...(object.kind === "Deployment" && hash) };
  if (object.kind === "Deployment") putReplicaSet(server, object, labels);
  return Array.from({ length: replicas }, (_, index) =>
    server.put({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `${metadata.name}-${index}`, namespace: "pushcast", labels },
      spec: template?.spec,
      status,
    }),
  );
}

function putReplicaSet(
  server: KubeServer,
  { metadata }: KubeObject,
  labels: Readonly<Record<string, string>>,
): void {
  server.put({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${metadata.name}-new`,
      namespace: "pushcast",
      labels,
      ownerReferences: [{ uid: metadata.uid }],
    },
    spec: { selector: { matchLabels: labels } },
  });
}

function putEndpoints(server: KubeServer): void {
  const objects = [...server.objects.values()];
  const pods = objects.filter(({ kind }) => kind === "Pod");
  for (const service of objects.filter(({ kind }) => kind === "Service")) {
    const { name } = service.metadata;
    const selector = Object.entries((service as unknown as V1Service).spec?.selector ?? {});
    const selected = pods.filter(({ metadata }) =>
      selector.every(([label, value]) => metadata.labels?.[label] === value),
    );
    server.put({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace: "pushcast", labels: { "kubernetes.io/service-name": name } },
      endpoints: selected.map(({ metadata }) => ({
        addresses: ["10.0.0.1"],
        conditions: { ready: true },
        targetRef: { name: metadata.name },
      })),
    });
  }
}
