import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../src/kube-object.ts";
import { rollOutAtOnce } from "./controllers.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { MONITORING, object, SYSTEM, workload } from "./system.ts";

const CONNECT_NODE = "/apis/apps/v1/namespaces/pushcast/deployments/connect-node";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
  rollOutAtOnce(stage.server);
});

afterEach(() => stage.close());

describe("applying", () => {
  test("goes file by file and object by object, the Namespace first", async () => {
    const run = await stage.apply();

    expect(run).toMatchObject({ exitCode: 0, error: [] });
    expect(stage.server.pathsOf("PATCH")).toEqual([
      "/api/v1/namespaces/pushcast",
      "/api/v1/namespaces/pushcast/services/etcd",
      "/apis/apps/v1/namespaces/pushcast/statefulsets/etcd",
      "/api/v1/namespaces/pushcast/services/push-manager",
      "/apis/apps/v1/namespaces/pushcast/deployments/push-manager",
      "/api/v1/namespaces/pushcast/services/connect-node",
      CONNECT_NODE,
    ]);
  });

  test("is done on the server's side, under a name of its own, and takes nothing over", async () => {
    await stage.apply();

    const patches = stage.server.requests.filter(({ method }) => method === "PATCH");
    expect(patches).not.toEqual([]);
    for (const { query, contentType } of patches) {
      expect(contentType).toBe("application/apply-patch+yaml");
      expect(query).toEqual({ fieldManager: "pushcast", force: "false" });
    }
  });

  test("sends a manifest as it stands, with the labels by which it is found again", async () => {
    const spec = { aFieldOfLaterVersions: [{ port: 1 }] };
    await stage.apply({ ...SYSTEM, "60.yaml": [object("v1", "Service", "x", { spec })] });

    const patch = stage.server.requests.findLast(
      ({ method, path }) => method === "PATCH" && path.endsWith("/services/x"),
    );
    expect(patch?.body).toEqual({
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "x",
        namespace: "pushcast",
        labels: {
          "app.kubernetes.io/part-of": "pushcast",
          "app.kubernetes.io/managed-by": "pushcast-deploy",
        },
      },
      spec,
    });
  });

  test("says what was created, what was configured and what was left as it was", async () => {
    const first = await stage.apply();
    expect(first.lines).toContain("StatefulSet etcd: created");

    const second = await stage.apply({
      ...SYSTEM,
      "40-connect-node.k8s.yaml": [workload("Deployment", "connect-node", { replicas: 3 })],
    });
    expect(second.lines).toContain("StatefulSet etcd: unchanged");
    expect(second.lines).toContain("Deployment connect-node: configured");
  });

  test("keeps the replicas that an autoscaler is to set from now on", async () => {
    await stage.apply();
    const applied = stage.server.objects.get(CONNECT_NODE) as KubeObject;
    const fieldsV1 = { "f:spec": { "f:replicas": {} } };
    const managedFields = [{ manager: "pushcast", operation: "Apply", fieldsV1 }];
    stage.server.keep({ ...applied, metadata: { ...applied.metadata, managedFields } });
    stage.server.requests.length = 0;

    const autoscaled = workload("Deployment", "connect-node", { replicas: undefined });
    const files = { ...SYSTEM, "40-connect-node.k8s.yaml": [autoscaled] };
    const diff = await stage.apply(files, "--diff");
    expect(diff.lines.filter((line) => line.includes("replicas"))).toEqual([]);
    expect(await stage.apply(files)).toMatchObject({ exitCode: 0 });

    const patches = stage.server.requests.filter(
      ({ method, path, query }) => method === "PATCH" && path === CONNECT_NODE && !query.dryRun,
    );
    expect(
      patches.map(({ query, body }) => [query.fieldManager, (body as KubeObject).spec]),
    ).toEqual([
      ["pushcast-replicas", { replicas: 2 }],
      ["pushcast", expect.not.objectContaining({ replicas: expect.anything() })],
    ]);
  });

  test("stops at a conflict, and names the fields and who manages them", async () => {
    const message = 'conflict with "kubectl-edit" using apps/v1';
    stage.server.answer(
      "PATCH",
      CONNECT_NODE,
      409,
      refusalBody(409, "Conflict", "Apply failed with 1 conflict", [
        { reason: "FieldManagerConflict", field: ".spec.template.spec", message },
      ]),
    );

    const run = await stage.apply({ ...SYSTEM, ...MONITORING });

    expect(run.exitCode).toBe(1);
    expect(run.error).toEqual([
      "Deployment connect-node: conflict (409): others manage these fields; --force-conflicts takes them over",
      `spec.template.spec: ${message}`,
    ]);
    expect(stage.server.pathsOf("PATCH").at(-1)).toBe(CONNECT_NODE);
  });

  test("takes fields over that others manage when it is told to", async () => {
    await stage.apply(SYSTEM, "--force-conflicts");

    const patches = stage.server.requests.filter(({ method }) => method === "PATCH");
    expect(patches).not.toEqual([]);
    expect(patches.every(({ query }) => query.force === "true")).toBe(true);
  });

  test("names the field of an object that is invalid", async () => {
    const message = 'Invalid value: "x": field is immutable';
    stage.server.answer(
      "PATCH",
      CONNECT_NODE,
      422,
      refusalBody(422, "Invalid", "Deployment is invalid", [
        { reason: "FieldValueInvalid", field: "spec.selector", message },
      ]),
    );

    expect(await stage.apply()).toMatchObject({
      exitCode: 1,
      error: ["Deployment connect-node: invalid (422)", `spec.selector: ${message}`],
    });
  });

  test.each([
    [
      403,
      'deployments.apps "connect-node" is forbidden: User "tester" cannot patch',
      "forbidden (403)",
    ],
    [401, "Unauthorized", "the API server does not accept these credentials (401)"],
  ])("names the object for which the answer is %i, and the reason", async (code, message, what) => {
    stage.server.answer("PATCH", CONNECT_NODE, code, refusalBody(code, "", message));

    expect(await stage.apply()).toMatchObject({
      exitCode: 77,
      error: [`Deployment connect-node: ${what}: ${message}`],
    });
  });

  test("asks again when a busy server says when", async () => {
    const busy = refusalBody(429, "TooManyRequests", "too many requests");
    stage.server.answer("GET", CONNECT_NODE, 429, busy, { "retry-after": "0" });
    let asked = 0;
    stage.server.onRequest = ({ path }) => {
      if (path === CONNECT_NODE && ++asked === 3) stage.server.answerAsUsual("GET", CONNECT_NODE);
    };

    expect(await stage.apply()).toMatchObject({ exitCode: 0 });
    expect(asked).toBeGreaterThan(3);
  });
});

describe("pruning", () => {
  beforeEach(() => stage.apply());

  const managed = (kind: string, name: string, apiVersion = "v1") => {
    const { metadata, ...rest } = object(apiVersion, kind, name);
    const labels = { ...metadata.labels, "app.kubernetes.io/managed-by": "pushcast-deploy" };
    return { ...rest, metadata: { ...metadata, labels } };
  };

  test("deletes what the manifests do not have any more", async () => {
    stage.server.put(managed("Service", "old"));
    const { metadata } = stage.server.put(managed("Deployment", "old", "apps/v1"));

    const run = await stage.apply();

    expect(stage.server.pathsOf("DELETE")).toEqual([
      "/apis/apps/v1/namespaces/pushcast/deployments/old",
      "/api/v1/namespaces/pushcast/services/old",
    ]);
    expect(stage.server.requests.find(({ method }) => method === "DELETE")?.body).toMatchObject({
      preconditions: { uid: metadata.uid },
    });
    expect(run.lines).toContain("Service old: deleted, the manifests do not have it any more");
  });

  test("leaves volumes, Secrets, and what others applied or is elsewhere", async () => {
    const elsewhere = managed("Service", "elsewhere");
    stage.server.put({
      ...elsewhere,
      metadata: { ...elsewhere.metadata, namespace: "other" },
    });
    stage.server.put(managed("PersistentVolumeClaim", "data-etcd-0"));
    stage.server.put(managed("Secret", "token"));
    stage.server.put(object("v1", "ConfigMap", "by-kubectl"));

    expect(await stage.apply()).toMatchObject({ exitCode: 0 });
    expect(stage.server.pathsOf("DELETE")).toEqual([]);
  });

  test("leaves what a controller made of an object, with its labels", async () => {
    const made = managed("HorizontalPodAutoscaler", "made", "autoscaling/v2");
    const ownerReferences = [{ kind: "ScaledObject", name: "connect-node" }];
    stage.server.put({ ...made, metadata: { ...made.metadata, ownerReferences } });

    await stage.apply();

    expect(stage.server.pathsOf("DELETE")).toEqual([]);
  });

  test("leaves what stands in a file that the cluster has no use for now", async () => {
    stage.server.put(managed("ConfigMap", "dashboard"));

    const run = await stage.apply({ ...SYSTEM, ...MONITORING });

    expect(run).toMatchObject({ exitCode: 0 });
    expect(stage.server.pathsOf("DELETE")).toEqual([]);
  });

  const forbid = (plurals: string) =>
    stage.server.answer("GET", plurals, 403, refusalBody(403, "Forbidden", "cannot list"));

  test("passes over an operator's kinds that the caller may not list, and says so", async () => {
    stage.server.put(managed("Service", "old"));
    forbid("/apis/keda.sh/v1alpha1/namespaces/pushcast/scaledobjects");
    forbid("/apis/monitoring.coreos.com/v1/namespaces/pushcast/prometheusrules");

    const run = await stage.apply();

    expect(run).toMatchObject({ exitCode: 0, error: [] });
    expect(run.lines).toContain(
      "scaledobjects, prometheusrules cannot be looked at: forbidden; if there are any, they stay",
    );
    expect(stage.server.pathsOf("DELETE")).toHaveLength(1);
  });

  test("ends where the caller may not list a kind of Kubernetes itself", async () => {
    forbid("/api/v1/namespaces/pushcast/configmaps");

    expect(await stage.apply()).toMatchObject({
      exitCode: 77,
      error: ["configmaps: forbidden (403): cannot list"],
    });
  });

  test("also finds kinds that an operator brought", async () => {
    stage.server.customKinds.set("monitoring.coreos.com/v1", ["servicemonitors"]);
    stage.server.put(managed("ServiceMonitor", "old", "monitoring.coreos.com/v1"));

    await stage.apply();

    expect(stage.server.pathsOf("DELETE")).toHaveLength(1);
  });
});
