import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../src/kube-object.ts";

/** File names, and the objects in them. */
export type Files = Readonly<Record<string, readonly KubeObject[]>>;

/** A small system, of the kinds and in the files that the real one has. */
export const SYSTEM: Files = {
  "00-namespace.k8s.yaml": [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "pushcast",
        labels: { "pod-security.kubernetes.io/enforce": "restricted" },
      },
    },
  ],
  "20-etcd.k8s.yaml": [
    service("etcd", "etcd"),
    workload("StatefulSet", "etcd", {
      serviceName: "etcd",
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: {} }],
    }),
  ],
  "30-push-manager.k8s.yaml": [
    service("push-manager", "push-manager"),
    workload("Deployment", "push-manager"),
  ],
  "40-connect-node.k8s.yaml": [
    service("connect-node", "connect-node"),
    workload("Deployment", "connect-node", { replicas: 2 }),
  ],
};

/** What needs the Prometheus operator, and a file that has more than that. */
export const MONITORING: Files = {
  "50-monitoring.k8s.yaml": [
    object("v1", "ConfigMap", "dashboard", { data: { "pushcast.json": "{}" } }),
    object("monitoring.coreos.com/v1", "ServiceMonitor", "connect-node", { spec: {} }),
  ],
};

/** An object of the system. */
export function object(
  apiVersion: string,
  kind: string,
  name: string,
  fields: object = {},
): KubeObject {
  const labels = { "app.kubernetes.io/part-of": "pushcast" };
  return { apiVersion, kind, metadata: { name, namespace: "pushcast", labels }, ...fields };
}

export function workload(
  kind: "Deployment" | "StatefulSet",
  name: string,
  spec: object = {},
): KubeObject {
  const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "pushcast" };
  return object("apps/v1", kind, name, {
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name, image: `pushcast/${name}:1`, env: [] }] },
      },
      ...spec,
    },
  });
}

function service(name: string, selected: string): KubeObject {
  return object("v1", "Service", name, {
    spec: { selector: { "app.kubernetes.io/name": selected } },
  });
}

/** Writes manifests into a new folder inside another; gives its path. */
export function writeManifests(folder: string, files: Files): string {
  const manifests = join(folder, "manifests");
  rmSync(manifests, { recursive: true, force: true });
  mkdirSync(manifests, { recursive: true });
  for (const [name, objects] of Object.entries(files)) {
    // JSON is YAML.
    const documents = objects.map((each) => JSON.stringify(each, null, 2));
    writeFileSync(join(manifests, name), documents.join("\n---\n"));
  }
  return manifests;
}
