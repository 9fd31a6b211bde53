import { nodeSettings } from "@pushcast/connect-node";
import { deletionCostSettings } from "@pushcast/deploy";
import { pushManagerSettings } from "@pushcast/push-manager";
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../src/config/load.ts";
import type { ConfigInput } from "../src/config/schema.ts";
import { PORTS } from "../src/lib/ports.ts";
import { EVERY_OPTION } from "./support/configs.ts";
import { manifestsOf, nameOf, ofKind, workloadsOf } from "./support/manifests.ts";

function manifests(own: ConfigInput = {}, profile = "prod") {
  return manifestsOf(resolveConfig(profile, own));
}

function workload(name: string, own: ConfigInput = {}, profile = "prod") {
  const found = workloadsOf(manifests(own, profile)).find(
    ({ manifest }) => manifest.metadata?.name === name,
  );
  const container = found?.containers[0];
  if (found === undefined || container === undefined) throw new Error(`no ${name}`);
  return { ...found, container };
}

test("the ports are those that the services listen on", () => {
  expect(PORTS["push-manager"].grpc.number).toBe(pushManagerSettings.GRPC_PORT.default);
  expect(PORTS["push-manager"].ops.number).toBe(pushManagerSettings.OPS_PORT.default);
  expect(PORTS["connect-node"].ws.number).toBe(nodeSettings.WS_PORT.default);
  expect(PORTS["connect-node"].grpc.number).toBe(nodeSettings.GRPC_PORT.default);
  expect(PORTS["connect-node"].ops.number).toBe(nodeSettings.OPS_PORT.default);
  expect(PORTS["deletion-cost"].ops.number).toBe(deletionCostSettings.OPS_PORT.default);
});

describe("a connect-node", () => {
  test("knows its name, its address and its zone", () => {
    const { env = [] } = workload("connect-node").container;
    const fields = env.map(({ name, valueFrom }) => [name, valueFrom?.fieldRef?.fieldPath]);

    expect(fields).toEqual(
      expect.arrayContaining([
        ["POD_NAME", "metadata.name"],
        ["POD_IP", "status.podIP"],
        ["ZONE", "metadata.labels['topology.kubernetes.io/zone']"],
      ]),
    );
  });

  test("finds every member of etcd by a name that all namespaces and clusters have", () => {
    const { env } = workload("connect-node").container;
    expect(env).toContainEqual({
      name: "ETCD_ENDPOINTS",
      value: "https://etcd-0.etcd:2379,https://etcd-1.etcd:2379,https://etcd-2.etcd:2379",
    });
  });

  test("may take as long to stop as its settings say, and 20 s", () => {
    const settings = { DRAIN_ACCEPT_SECONDS: 2, DRAIN_SECONDS: 300.5 };
    const { spec } = workload("connect-node", {
      settings: { STOP_SECONDS: 10 },
      connectNode: { settings },
    });
    expect(spec.terminationGracePeriodSeconds).toBe(333);
  });

  test("heeds SIGTERM by itself: nothing runs before its stop", () => {
    expect(workload("connect-node").container.lifecycle).toBeUndefined();
  });

  test("takes the token of its drain from a Secret", () => {
    expect(workload("connect-node", EVERY_OPTION).container.env).toContainEqual({
      name: "OPS_TOKEN",
      valueFrom: { secretKeyRef: { name: "ops", key: "token" } },
    });
  });

  test("has the console only where there is a Secret with its token", () => {
    const { env } = workload("push-manager", EVERY_OPTION).container;
    expect(env).toContainEqual({ name: "CONSOLE", value: "on" });
    expect(env).toContainEqual({
      name: "CONSOLE_TOKEN",
      valueFrom: { secretKeyRef: { name: "console", key: "token" } },
    });
    const names = workload("push-manager").container.env?.map(({ name }) => name);
    expect(names).not.toContain("CONSOLE");
  });

  test("gets a bound on the kernel's send buffers only where that is asked for", () => {
    expect(workload("connect-node").spec.securityContext?.sysctls).toBeUndefined();
    expect(workload("connect-node", EVERY_OPTION).spec.securityContext?.sysctls).toEqual([
      { name: "net.ipv4.tcp_wmem", value: "4096 16384 262144" },
    ]);
  });

  test("has the settings of both services and its own", () => {
    const { env } = workload("connect-node", EVERY_OPTION).container;
    expect(env).toEqual(
      expect.arrayContaining([
        { name: "LOG_SECONDS", value: "120" },
        { name: "MAX_SESSIONS", value: "10000" },
      ]),
    );
    expect(workload("push-manager", EVERY_OPTION).container.env).toContainEqual({
      name: "LOG_SECONDS",
      value: "120",
    });
  });
});

describe("in prod", () => {
  const variableOf = (name: string, setting: string) =>
    workload(name).container.env?.find((variable) => variable.name === setting)?.value;

  test("nobody is believed: clients and publishers show tokens", () => {
    expect(variableOf("connect-node", "AUTH_MODE")).toBeUndefined();
    expect(nodeSettings.AUTH_MODE.default).toBe("jwt");
    expect(variableOf("connect-node", "JWT_PUBLIC_KEY_FILE")).toBe("/etc/pushcast/jwt-public-key");
    expect(variableOf("push-manager", "PUSH_AUTH")).toBe("token");
  });

  test("every variable of a service is one of its settings", () => {
    const known = { "push-manager": pushManagerSettings, "connect-node": nodeSettings };
    for (const [name, schema] of Object.entries(known)) {
      for (const own of [{}, EVERY_OPTION]) {
        const { env = [] } = workload(name, own).container;
        const unknown = env.filter(({ name }) => !(name in schema) && name !== "NODE_OPTIONS");
        expect(unknown).toEqual([]);
      }
    }
  });
});

describe("etcd", () => {
  test("starts as a cluster of all members, each by its own name", () => {
    const { container } = workload("etcd");
    expect(container.command).toEqual(
      expect.arrayContaining([
        "--name=$(POD_NAME)",
        "--initial-advertise-peer-urls=https://$(POD_NAME).etcd:2380",
        "--initial-cluster=etcd-0=https://etcd-0.etcd:2380,etcd-1=https://etcd-1.etcd:2380,etcd-2=https://etcd-2.etcd:2380",
      ]),
    );
  });

  test("members start at once, find each other before they are ready, and keep their volumes", () => {
    const [set] = ofKind(manifests(), "StatefulSet");
    const service = ofKind(manifests(), "Service").find(
      (found) => nameOf(found) === "Service/etcd",
    );

    expect(set?.spec?.podManagementPolicy).toBe("Parallel");
    expect(set?.spec?.serviceName).toBe("etcd");
    expect(service?.spec).toMatchObject({ clusterIP: "None", publishNotReadyAddresses: true });
    expect(set?.spec?.persistentVolumeClaimRetentionPolicy).toEqual({
      whenDeleted: "Retain",
      whenScaled: "Retain",
    });
  });

  test("does not fill a small volume", () => {
    const { container } = workload("etcd", { etcd: { storage: "100Mi" } });
    expect(container.command).toContain(`--quota-backend-bytes=${50 * 1024 ** 2}`);
  });

  test.each([
    ["prod", "requiredDuringSchedulingIgnoredDuringExecution"],
    ["dev", "preferredDuringSchedulingIgnoredDuringExecution"],
  ])("in %s, members keep apart: %s", (profile, rule) => {
    const { spec } = workload("etcd", {}, profile);
    expect(Object.keys(spec.affinity?.podAntiAffinity ?? {})).toEqual([rule]);
  });
});

describe("the Services", () => {
  test("for metrics keep pods that stop, and those for callers do not", () => {
    const published = ofKind(manifests(), "Service")
      .filter(({ spec }) => spec?.publishNotReadyAddresses)
      .map(({ metadata }) => metadata?.name);

    expect(published).toEqual(["etcd", "push-manager-metrics", "connect-node-metrics"]);
  });

  test("of the push-manager are one address, and one of all addresses", () => {
    const ofManagers = ofKind(manifests(), "Service")
      .filter(({ spec }) => spec?.ports?.some(({ port }) => port === 50051))
      .map(({ metadata, spec }) => [metadata?.name, spec?.clusterIP]);

    expect(ofManagers).toEqual([
      ["push-manager", undefined],
      ["push-manager-headless", "None"],
    ]);
  });
});

describe("autoscaling", () => {
  const autoscaler = (own: ConfigInput) =>
    ofKind(manifests(own), "HorizontalPodAutoscaler").find(
      ({ metadata }) => metadata?.name === "connect-node",
    );

  test("is by CPU, which a cluster with no more than metrics-server knows", () => {
    const types = autoscaler({})?.spec?.metrics?.map(({ type }) => type);
    expect(types).toEqual(["Resource"]);
  });

  test("is also by sessions where that is asked for", () => {
    const { metrics } = autoscaler({ connectNode: { sessionsPerPod: 15_000 } })?.spec ?? {};
    expect(metrics).toContainEqual({
      type: "Pods",
      pods: {
        metric: { name: "connect_node_sessions" },
        target: { type: "AverageValue", averageValue: "15000" },
      },
    });
  });

  test("is not where the number of pods is fixed", () => {
    const fixed = manifests({ connectNode: { replicas: { min: 4, max: 4 } } });
    const names = ofKind(fixed, "HorizontalPodAutoscaler").map(({ metadata }) => metadata?.name);
    expect(names).toEqual(["push-manager"]);
    const node = ofKind(fixed, "Deployment").find((found) => nameOf(found).endsWith("node"));
    expect(node?.spec?.replicas).toBe(4);
  });
});

describe("the Ingress", () => {
  const ingress = (own: ConfigInput, profile?: string) =>
    ofKind(manifests(own, profile), "Ingress")[0]?.spec;
  const hosts = (own: ConfigInput, profile?: string) =>
    ingress(own, profile)?.rules?.map(({ host }) => host);

  test("leads each host to the path of the WebSockets, and no other path anywhere", () => {
    expect(hosts({ ingress: { hosts: ["a.example.com", "b.example.com"] } })).toEqual([
      "a.example.com",
      "b.example.com",
    ]);
    const paths = ingress({})?.rules?.flatMap(({ http }) => http?.paths ?? []);
    expect(paths?.map(({ path, pathType }) => [path, pathType])).toEqual([["/ws", "Exact"]]);
  });

  test("is for any host where none is named", () => {
    expect(hosts({}, "dev")).toEqual([undefined]);
    expect(ingress({}, "dev")?.tls).toBeUndefined();
  });

  test("has a certificate for all of its hosts", () => {
    expect(ingress(EVERY_OPTION)?.tls).toEqual([
      { hosts: ["push.example.org", "push.example.net"], secretName: "push-tls" },
    ]);
  });
});

test("dev asks nothing of a cluster that a bare one lacks", () => {
  const groups = manifests({}, "dev").map(({ apiVersion, kind }) => `${apiVersion} ${kind}`);
  expect(new Set(groups)).toEqual(
    new Set([
      "v1 Namespace",
      "v1 Service",
      "v1 ServiceAccount",
      "apps/v1 Deployment",
      "apps/v1 StatefulSet",
      "networking.k8s.io/v1 Ingress",
      "networking.k8s.io/v1 NetworkPolicy",
      "policy/v1 PodDisruptionBudget",
    ]),
  );
});

describe("the controller of deletion costs", () => {
  const deletionCost = { enabled: true };

  test("is off unless it is asked for", () => {
    const names = (own: ConfigInput) =>
      workloadsOf(manifests(own)).map(({ manifest }) => manifest.metadata?.name);
    expect(names({})).not.toContain("deletion-cost");
    expect(names({ deletionCost })).toContain("deletion-cost");
  });

  test("may list and patch pods and hold its lease, and nothing else", () => {
    const [role, ...others] = ofKind(manifests({ deletionCost }), "Role");
    expect(others).toEqual([]);
    expect(role?.rules).toEqual([
      { apiGroups: [""], resources: ["pods"], verbs: ["list", "patch"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        resourceNames: ["pushcast-deletion-cost"],
        verbs: ["get", "update"],
      },
    ]);
  });

  test("is who the role is bound to", () => {
    const [binding] = ofKind(manifests({ deletionCost }), "RoleBinding");
    const { spec } = workload("deletion-cost", { deletionCost });

    expect(binding?.subjects).toEqual([
      { kind: "ServiceAccount", name: spec.serviceAccountName, namespace: "pushcast" },
    ]);
    expect(binding?.roleRef).toMatchObject({ kind: "Role", name: "deletion-cost" });
  });
});
