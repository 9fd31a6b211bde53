import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { putStatus, rollOutAtOnce } from "./controllers.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { SYSTEM } from "./system.ts";

const MANAGER_METRICS = "/api/v1/namespaces/pushcast/pods/push-manager-0:9100/proxy/metrics";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
  rollOutAtOnce(stage.server);
  managerKnows(2);
});

afterEach(() => stage.close());

function managerKnows(ready: number): void {
  stage.server.answer(
    "GET",
    MANAGER_METRICS,
    200,
    `# TYPE push_manager_nodes gauge\npush_manager_nodes{state="ready"} ${ready}\npush_manager_nodes{state="draining"} 1\n`,
  );
}

describe("the status", () => {
  test("has the workloads, the Services' endpoints and the nodes", async () => {
    await stage.apply();

    expect(await stage.run("status")).toEqual({
      exitCode: 0,
      lines: [
        "StatefulSet etcd: 1 of 1 ready",
        "Deployment push-manager: 1 of 1 ready",
        "Deployment connect-node: 2 of 2 ready",
        "Service etcd: 1 endpoint ready",
        "Service push-manager: 1 endpoint ready",
        "Service connect-node: 2 endpoints ready",
        "nodes: 2 registered, as every push-manager says",
      ],
      error: [],
    });
  });

  test("stands at the end of a deployment", async () => {
    const run = await stage.apply();

    expect(run.lines.at(-1)).toBe("nodes: 2 registered, as every push-manager says");
  });

  test("is not well while a push-manager does not know all nodes", async () => {
    await stage.apply();
    managerKnows(1);

    const run = await stage.run("status");

    expect(run.exitCode).toBe(3);
    expect(run.lines.slice(-2)).toEqual([
      "nodes: not all are known to every push-manager (not well)",
      "  push-manager-0 knows 1 of 2",
    ]);
  });

  test("is waited for at the end of a deployment", async () => {
    managerKnows(0);
    let asked = 0;
    stage.server.onRequest = ({ path }) => {
      if (path === MANAGER_METRICS && ++asked === 3) managerKnows(2);
    };

    expect(await stage.apply()).toMatchObject({ exitCode: 0 });
    expect(asked).toBe(3);
  });

  test("decides over the exit code of a deployment", async () => {
    managerKnows(0);

    expect(await stage.apply(SYSTEM, "--timeout", "5s")).toMatchObject({ exitCode: 3 });
  });

  test("goes by the nodes' readiness where the managers' metrics cannot be read", async () => {
    const message = "pods/proxy is forbidden";
    stage.server.answer("GET", MANAGER_METRICS, 403, refusalBody(403, "Forbidden", message));

    const run = await stage.apply();

    expect(run.exitCode).toBe(0);
    expect(run.lines.at(-1)).toBe(
      `nodes: 2 of 2 ready, and so registered (the managers' metrics cannot be read: ${message})`,
    );
  });

  test("says what may keep the API server from the managers' metrics", async () => {
    const message = "error trying to reach service: dial tcp 10.0.0.7:9100: i/o timeout";
    const refused = refusalBody(503, "ServiceUnavailable", message);
    stage.server.answer("GET", MANAGER_METRICS, 503, refused);

    const run = await stage.apply();

    expect(run.exitCode).toBe(0);
    expect(run.lines.at(-1)).toBe(
      `nodes: 2 of 2 ready, and so registered (the managers' metrics cannot be read: ${message}; network.metrics may keep the API server out)`,
    );
  });

  test("does so too where a NetworkPolicy swallows the question", async () => {
    stage.server.onRequest = ({ path }) => {
      stage.server.hangsUp = path === MANAGER_METRICS;
    };

    const run = await stage.apply();

    expect(run.exitCode).toBe(0);
    expect(run.lines.at(-1)).toMatch(
      /: no answer; network\.metrics may keep the API server out\)$/,
    );
  });

  test("names a Service that leads nowhere", async () => {
    await stage.apply();
    for (const path of stage.server.objects.keys()) {
      if (path.endsWith("/endpointslices/push-manager")) stage.server.objects.delete(path);
    }

    const run = await stage.run("status");

    expect(run.exitCode).toBe(3);
    expect(run.lines).toContain("Service push-manager: no endpoint is ready (not well)");
  });

  test("says why a workload is not ready", async () => {
    await stage.apply();
    for (const [path, object] of stage.server.objects) {
      if (path.endsWith("/deployments/connect-node")) {
        putStatus(stage.server, object, { replicas: 2, updatedReplicas: 2, availableReplicas: 1 });
      }
      if (path.endsWith("/pods/connect-node-1")) stage.server.keep({ ...object, status: {} });
    }

    const run = await stage.run("status");

    expect(run.exitCode).toBe(3);
    expect(run.lines).toContain("Deployment connect-node: 1 of 2 ready (not well)");
    expect(run.lines).toContain("  pod connect-node-1: not ready yet");
  });

  test("is also that of what others applied", async () => {
    await stage.apply();
    for (const object of stage.server.objects.values()) {
      const { "app.kubernetes.io/managed-by": _, ...labels } = object.metadata.labels ?? {};
      stage.server.keep({ ...object, metadata: { ...object.metadata, labels } });
    }

    expect(await stage.run("status")).toMatchObject({ exitCode: 0 });
  });

  test("of a namespace without the system is an error", async () => {
    expect(await stage.run("status", "--namespace", "empty")).toMatchObject({
      exitCode: 3,
      error: ["namespace empty has no workloads of Pushcast"],
    });
  });
});
