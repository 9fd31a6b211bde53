import type { V1PodStatus } from "@kubernetes/client-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../src/kube-object.ts";
import { putPods, putStatus, READY, rollOutAtOnce, scale } from "./controllers.ts";
import { refusalBody } from "./kube-server.ts";
import { Stage } from "./stage.ts";
import { object, SYSTEM } from "./system.ts";

const CONNECT_NODE = "/apis/apps/v1/namespaces/pushcast/deployments/connect-node";
const ETCD = "/apis/apps/v1/namespaces/pushcast/statefulsets/etcd";
const LOG = "/api/v1/namespaces/pushcast/pods/connect-node-0/log";
const EVENTS = "/api/v1/namespaces/pushcast/events";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
  rollOutAtOnce(stage.server);
});

afterEach(() => stage.close());

/** From now on the pods of the connect-node are made with this status, and its own is that. */
function connectNodeIs(pod: V1PodStatus, status: object = {}): void {
  instead("connect-node", (deployment) => {
    putPods(stage.server, deployment, pod);
    putStatus(stage.server, deployment, { replicas: 2, updatedReplicas: 2, ...status });
  });
}

/** What happens when a workload is applied, instead of a rollout at once. */
function instead(name: string, control: (workload: KubeObject) => void): void {
  const { onApplied } = stage.server;
  stage.server.onApplied = (applied) => {
    const isIt = applied.metadata.name === name && applied.apiVersion === "apps/v1";
    if (isIt) control(applied);
    else onApplied(applied);
  };
}

/** Calls back at the given GET of a path, counted from the rollout's first look at the workload. */
function atLook(path: string, look: number, change: () => void): void {
  let looks = 0;
  let isApplied = false;
  const { onRequest } = stage.server;
  stage.server.onRequest = (request) => {
    onRequest(request);
    if (request.path !== path) return;
    if (request.method === "PATCH") isApplied = true;
    if (request.method === "GET" && isApplied && ++looks === look) change();
  };
}

function waiting(reason: string, message = "", more: object = {}): V1PodStatus {
  return {
    containerStatuses: [
      {
        name: "connect-node",
        ready: false,
        restartCount: 0,
        image: "",
        imageID: "",
        state: { waiting: { reason, message } },
        ...more,
      },
    ],
  };
}

const CRASHED = { restartCount: 4, lastState: { terminated: { exitCode: 78 } } };

describe("waiting for the rollouts", () => {
  test("says how far each is whenever that changes, and how long it took", async () => {
    instead("etcd", (etcd) => {
      putPods(stage.server, etcd, READY);
      putStatus(stage.server, etcd, { replicas: 1 });
    });
    atLook(ETCD, 4, () => {
      const etcd = stage.server.objects.get(ETCD) as KubeObject;
      putStatus(stage.server, etcd, { readyReplicas: 1, updatedReplicas: 1 });
    });

    const run = await stage.apply();

    expect(run.exitCode).toBe(0);
    expect(run.lines.filter((line) => line.includes(" ready"))).toEqual(
      expect.arrayContaining([
        "StatefulSet etcd: 0 of 1 ready",
        "Deployment push-manager: 1 of 1 ready, after 0 s",
        "Deployment connect-node: 2 of 2 ready, after 0 s",
        "StatefulSet etcd: 1 of 1 ready, after 3 s",
      ]),
    );
  });

  test("does not believe a status from before the change", async () => {
    instead("connect-node", (deployment) => {
      const done = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
      putStatus(stage.server, deployment, { ...done, observedGeneration: 0 });
    });

    const run = await stage.apply(SYSTEM, "--timeout", "30s");

    expect(run).toMatchObject({
      exitCode: 3,
      error: [
        "Deployment connect-node: not rolled out within 30 s: not yet seen by its controller",
      ],
    });
  });

  test("waits for pods of before to end", async () => {
    const done = { replicas: 3, updatedReplicas: 2, availableReplicas: 3 };
    instead("connect-node", (deployment) => putStatus(stage.server, deployment, done));

    const run = await stage.apply(SYSTEM, "--timeout", "30s");

    expect(run.error[0]).toBe(
      "Deployment connect-node: not rolled out within 30 s: 3 of 2 ready, 1 old to end",
    );
  });

  test("waits for the pods that an autoscaler will add", async () => {
    const autoscaler = object("autoscaling/v2", "HorizontalPodAutoscaler", "connect-node", {
      spec: { scaleTargetRef: { kind: "Deployment", name: "connect-node" }, minReplicas: 3 },
    });
    const { onApplied } = stage.server;
    stage.server.onApplied = (applied) => {
      if (applied.kind !== autoscaler.kind) onApplied(applied);
    };
    atLook(CONNECT_NODE, 3, () => scale(stage.server, autoscaler));

    const run = await stage.apply({ ...SYSTEM, "50.yaml": [autoscaler] });

    expect(run.exitCode).toBe(0);
    expect(run.lines).toContain("Deployment connect-node: 2 of 3 ready, 2 updated");
    expect(run.lines).toContain("Deployment connect-node: 3 of 3 ready, after 2 s");
  });

  test("goes on when the API server is away for a while", async () => {
    instead("etcd", (etcd) => {
      putPods(stage.server, etcd, READY);
      putStatus(stage.server, etcd, { replicas: 1 });
    });
    let asked = 0;
    stage.server.onRequest = ({ method, path }) => {
      if (method !== "GET" || path !== ETCD) return;
      stage.server.hangsUp = ++asked === 3 || asked === 4;
      if (asked < 5) return;
      const etcd = stage.server.objects.get(ETCD) as KubeObject;
      putStatus(stage.server, etcd, { readyReplicas: 1 });
    };

    const run = await stage.apply();

    expect(run.exitCode).toBe(0);
    expect(run.lines.filter((line) => line.includes("cannot be reached"))).toHaveLength(1);
  });

  test("goes on when the API server is not itself for a while", async () => {
    const away = refusalBody(503, "ServiceUnavailable", "starting");
    atLook(ETCD, 1, () => stage.server.answer("GET", ETCD, 503, away));
    atLook(ETCD, 3, () => stage.server.answerAsUsual("GET", ETCD));

    const run = await stage.apply();

    expect(run.exitCode).toBe(0);
    expect(run.lines).toContain("waiting: StatefulSet etcd: the API server answered 503: starting");
  });
});

describe("a rollout that stalls", () => {
  test("is told when its deadline is over, with the reason of each pod", async () => {
    const message = 'ReplicaSet "connect-node-new" has timed out progressing.';
    connectNodeIs(waiting("ImagePullBackOff", 'Back-off pulling image "pushcast/connect-node:1"'), {
      conditions: [
        { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message },
      ],
    });

    expect(await stage.apply()).toMatchObject({
      exitCode: 3,
      error: [
        `Deployment connect-node: the rollout has stalled: 0 of 2 ready; ${message}`,
        'pod connect-node-0: container connect-node: ImagePullBackOff: Back-off pulling image "pushcast/connect-node:1"',
        'pod connect-node-1: container connect-node: ImagePullBackOff: Back-off pulling image "pushcast/connect-node:1"',
      ],
    });
  });

  test("is given up before that when a pod is in lasting trouble for too long", async () => {
    connectNodeIs(waiting("ImagePullBackOff", "no such image"));

    const run = await stage.apply(SYSTEM, "--patience", "20s");

    expect(run.exitCode).toBe(3);
    expect(run.error[0]).toBe(
      "Deployment connect-node: the rollout has stalled: 0 of 2 ready; pod connect-node-0: container connect-node: ImagePullBackOff: no such image",
    );
    const looks = stage.server.pathsOf("GET").filter((path) => path === CONNECT_NODE);
    // One before it was applied, and one a second.
    expect(looks).toHaveLength(1 + 21);
  });

  test("is told with what a container that crashes has logged last", async () => {
    connectNodeIs(waiting("CrashLoopBackOff", "back-off 40s", CRASHED));
    stage.server.answer("GET", LOG, 200, '{"msg":"invalid settings"}\n');

    const run = await stage.apply(SYSTEM, "--patience", "0");

    expect(run.error[1]).toBe(
      'pod connect-node-0: container connect-node: CrashLoopBackOff: ended 4 times, at last with exit code 78: {"msg":"invalid settings"}',
    );
    expect(stage.server.requests.find(({ path }) => path === LOG)?.query).toEqual({
      container: "connect-node",
      previous: "true",
      tailLines: "1",
    });
  });

  test("is told with the end of what stands in a container's status, without a look at its log", async () => {
    const message = '{"level":"info","msg":"starting"}\n{"msg":"cannot listen"}\n';
    const terminated = { exitCode: 1, message };
    connectNodeIs(waiting("CrashLoopBackOff", "", { restartCount: 2, lastState: { terminated } }));
    stage.server.answer("GET", LOG, 200, "the log\n");

    const run = await stage.apply(SYSTEM, "--patience", "0");

    expect(run.error[1]).toBe(
      'pod connect-node-0: container connect-node: CrashLoopBackOff: ended 2 times, at last with exit code 1: {"msg":"cannot listen"}',
    );
    expect(stage.server.pathsOf("GET")).not.toContain(LOG);
  });

  test("is told also by who may not read pods", async () => {
    instead("connect-node", (deployment) => {
      const message = "timed out";
      const conditions = [{ type: "Progressing", reason: "ProgressDeadlineExceeded", message }];
      putStatus(stage.server, deployment, { conditions });
    });
    const forbidden = refusalBody(403, "Forbidden", "pods is forbidden");
    stage.server.answer("GET", "/api/v1/namespaces/pushcast/pods", 403, forbidden);
    stage.server.answer("GET", "/apis/apps/v1/namespaces/pushcast/replicasets", 403, forbidden);

    expect(await stage.apply()).toMatchObject({
      exitCode: 3,
      error: ["Deployment connect-node: the rollout has stalled: 0 of 2 ready; timed out"],
    });
  });

  test("is told also by who may not read logs and events", async () => {
    connectNodeIs(waiting("CrashLoopBackOff", "", CRASHED));
    for (const path of [LOG, EVENTS]) {
      stage.server.answer("GET", path, 403, refusalBody(403, "Forbidden", "forbidden"));
    }

    const run = await stage.apply(SYSTEM, "--patience", "0");

    expect(run.error[1]).toMatch(/ended 4 times, at last with exit code 78$/);
  });

  test("counts a container as crashing also while it runs in between", async () => {
    connectNodeIs(waiting("CrashLoopBackOff", "", CRASHED));
    const running = { ...CRASHED, state: { running: {} } };
    let asked = 0;
    stage.server.onRequest = ({ method, path }) => {
      if (method !== "GET" || path !== CONNECT_NODE || ++asked < 2) return;
      const isRunning = asked % 3 === 0;
      const status = isRunning
        ? waiting("", "", running)
        : waiting("CrashLoopBackOff", "", CRASHED);
      putPods(stage.server, stage.server.objects.get(CONNECT_NODE) as KubeObject, status);
    };

    const run = await stage.apply(SYSTEM, "--patience", "20s");

    expect(run.exitCode).toBe(3);
    expect(run.error[0]).toContain("CrashLoopBackOff");
  });

  test("is told at its time limit for a pod that no machine takes, with its event", async () => {
    const message = "0/3 nodes are available: 3 Insufficient cpu.";
    connectNodeIs({
      conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
    });
    const pods = "/api/v1/namespaces/pushcast/pods/connect-node-0";
    atLook(CONNECT_NODE, 1, () => {
      const { uid } = stage.server.objects.get(pods)?.metadata ?? {};
      putWarning("old", { uid }, "FailedScheduling", "0/2 nodes are available", "11:00");
      putWarning("new", { uid }, "FailedScheduling", `${message} preemption: none`, "12:00");
    });

    const run = await stage.apply(SYSTEM, "--patience", "0", "--timeout", "90s");

    expect(run).toMatchObject({
      exitCode: 3,
      error: [
        `Deployment connect-node: not rolled out within 90 s: 0 of 2 ready; pod connect-node-0: Unschedulable: ${message}`,
        `pod connect-node-0: FailedScheduling: ${message} preemption: none`,
        `pod connect-node-1: Unschedulable: ${message}`,
      ],
    });
  });

  test("is told with why pods cannot be made at all", async () => {
    instead("connect-node", (deployment) => {
      const withoutPods = { ...(deployment.spec as object), replicas: 0 };
      putPods(stage.server, { ...deployment, spec: withoutPods }, {});
      putStatus(stage.server, deployment, {});
      const uid = stage.server.objects.get(
        "/apis/apps/v1/namespaces/pushcast/replicasets/connect-node-new",
      )?.metadata.uid;
      putWarning("forbidden", { uid }, "FailedCreate", "violates PodSecurity", "12:00");
    });

    const run = await stage.apply(SYSTEM, "--timeout", "30s");

    expect(run.error).toEqual([
      "Deployment connect-node: not rolled out within 30 s: 0 of 2 ready, 0 updated",
      "FailedCreate: violates PodSecurity",
    ]);
  });

  test("is not blamed on pods of an earlier version", async () => {
    instead("connect-node", (deployment) => {
      putPods(stage.server, deployment, {});
      putStatus(stage.server, deployment, { replicas: 3, updatedReplicas: 2 });
      const old = object("v1", "Pod", "connect-node-old", {
        status: waiting("CrashLoopBackOff", "", CRASHED),
      });
      const labels = { "app.kubernetes.io/name": "connect-node", "pod-template-hash": "old" };
      stage.server.put({
        ...old,
        metadata: { ...old.metadata, labels: { ...old.metadata.labels, ...labels } },
      });
    });

    const run = await stage.apply(SYSTEM, "--patience", "0", "--timeout", "30s");

    expect(run.error).toEqual([
      "Deployment connect-node: not rolled out within 30 s: 0 of 2 ready, 1 old to end",
      "pod connect-node-0: not ready yet",
      "pod connect-node-1: not ready yet",
    ]);
  });
});

function putWarning(
  name: string,
  involvedObject: { uid: string | undefined },
  reason: string,
  message: string,
  time: string,
): void {
  const lastTimestamp = `2025-01-01T${time}:00Z`;
  stage.server.put(
    object("v1", "Event", name, {
      involvedObject,
      reason,
      message,
      lastTimestamp,
      type: "Warning",
    }),
  );
}
