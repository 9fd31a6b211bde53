import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rollOutAtOnce } from "./controllers.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { MONITORING, object, SYSTEM, workload } from "./system.ts";

const STORAGE_CLASS = "/apis/storage.k8s.io/v1/storageclasses";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
  rollOutAtOnce(stage.server);
});

afterEach(() => stage.close());

function etcdWithClass(storageClassName: string) {
  const volumeClaimTemplates = [{ metadata: { name: "data" }, spec: { storageClassName } }];
  const etcd = workload("StatefulSet", "etcd", { volumeClaimTemplates });
  return { ...SYSTEM, "20-etcd.k8s.yaml": [etcd] };
}

/** Nothing may have been changed when the preflight refuses. */
async function expectRefusal(run: ReturnType<Stage["apply"]>, error: string): Promise<void> {
  expect(await run).toMatchObject({ exitCode: 1, error: [error] });
  expect(stage.server.pathsOf("PATCH")).toEqual([]);
}

describe("before anything is applied", () => {
  test("context, server, version, namespace and storage class are said", async () => {
    const { lines } = await stage.apply();

    expect(lines.slice(0, 3)).toEqual([
      `context test: ${stage.server.url}, Kubernetes v1.31.0`,
      "namespace pushcast is new",
      "storage class standard (the default)",
    ]);
  });

  test("a server that is too old is refused", async () => {
    stage.server.minorVersion = "26+";

    await expectRefusal(
      stage.apply(),
      "the server is Kubernetes v1.26.0, but 1.27 or later is needed",
    );
  });

  test("a namespace that is being deleted is refused", async () => {
    stage.server.put({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "pushcast" },
      status: { phase: "Terminating" },
    });

    await expectRefusal(
      stage.apply(),
      "Namespace pushcast: it is being deleted; deploy again when it is gone",
    );
  });

  test("a namespace that neither the cluster nor the manifests have is refused", async () => {
    const { "00-namespace.k8s.yaml": _, ...others } = SYSTEM;

    await expectRefusal(
      stage.apply(others),
      "Namespace pushcast: it does not exist, and the manifests do not have it",
    );
  });
});

describe("kinds that an operator brings", () => {
  test("are applied where the cluster knows them", async () => {
    stage.server.customKinds.set("monitoring.coreos.com/v1", ["servicemonitors"]);

    expect(await stage.apply({ ...SYSTEM, ...MONITORING })).toMatchObject({ exitCode: 0 });
    expect(stage.server.pathsOf("PATCH").at(-1)).toBe(
      "/apis/monitoring.coreos.com/v1/namespaces/pushcast/servicemonitors/connect-node",
    );
  });

  test.each([
    ["where the operator is missing", undefined],
    ["where it has other kinds only", ["prometheusrules"]],
  ])("are left out with their file %s, and it is said", async (_, plurals) => {
    if (plurals !== undefined) stage.server.customKinds.set("monitoring.coreos.com/v1", plurals);

    const run = await stage.apply({ ...SYSTEM, ...MONITORING });

    expect(run.exitCode).toBe(0);
    expect(run.lines).toContain(
      "50-monitoring.k8s.yaml is left out: the cluster does not know ServiceMonitor, which the Prometheus operator brings",
    );
    const applied = stage.server.pathsOf("PATCH");
    expect(applied.filter((path) => /dashboard|servicemonitors/.test(path))).toEqual([]);
  });

  test("are refused where the system does not work without them", async () => {
    const scaler = object("keda.sh/v1alpha1", "ScaledObject", "connect-node");

    await expectRefusal(
      stage.apply({ ...SYSTEM, "60-scaling.yaml": [scaler] }),
      "60-scaling.yaml: the cluster does not know ScaledObject, which KEDA brings",
    );
  });
});

describe("the storage class of etcd's volumes", () => {
  test("may be named", async () => {
    const run = await stage.apply(etcdWithClass("standard"));

    expect(run.lines).toContain("storage class standard");
  });

  test("must be there", async () => {
    await expectRefusal(
      stage.apply(etcdWithClass("fast")),
      "StatefulSet etcd: the cluster does not have the storage class fast (it has standard)",
    );
  });

  test("may be one of volumes that were made by hand", async () => {
    stage.server.put({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "disk-1" },
      spec: { storageClassName: "by-hand" },
    });

    const run = await stage.apply(etcdWithClass("by-hand"));

    expect(run.lines).toContain("storage class by-hand (volumes made by hand)");
  });

  test("must be named where the cluster has no default", async () => {
    stage.server.objects.delete(`${STORAGE_CLASS}/standard`);

    await expectRefusal(
      stage.apply(),
      "StatefulSet etcd: the cluster has no default storage class, and none is named (it has none)",
    );
  });

  test("is taken on trust by who may not look", async () => {
    stage.server.answer("GET", STORAGE_CLASS, 403, refusalBody(403, "Forbidden", "forbidden"));

    const run = await stage.apply();

    expect(run.exitCode).toBe(0);
    expect(run.lines).toContain("storage classes cannot be looked at: forbidden");
  });
});
