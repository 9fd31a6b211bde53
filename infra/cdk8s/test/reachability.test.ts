import { App, Chart } from "cdk8s";
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../src/config/load.ts";
import type { Config, ConfigInput } from "../src/config/schema.ts";
import type { WorkloadName } from "../src/lib/labels.ts";
import { NetworkPolicies, type NetworkPoliciesProps } from "../src/network/network-policies.ts";
import { EVERY_OPTION } from "./support/configs.ts";
import { type Manifest, manifestsOf, workloadsOf } from "./support/manifests.ts";
import { type End, letsThrough, workloadEnds } from "./support/network.ts";

const OUTSIDERS: ReadonlyMap<string, End> = new Map<string, End>([
  ["the internet", { ip: "203.0.113.7" }],
  ["10.1.2.3", { ip: "10.1.2.3" }],
  ["some pod", { labels: { app: "some" }, namespace: { name: "some" } }],
  ["a pod beside", { labels: { app: "some" }, namespace: { name: "pushcast" } }],
  [
    "a pod labelled as a publisher",
    { labels: { "pushcast.io/publisher": "true" }, namespace: { name: "some" } },
  ],
  ["Prometheus", { labels: { app: "prometheus" }, namespace: { name: "monitoring" } }],
  // Labels do not help where the namespace is another.
  [
    "a connect-node of another installation",
    {
      labels: {
        "app.kubernetes.io/name": "connect-node",
        "app.kubernetes.io/part-of": "pushcast",
      },
      namespace: { name: "other" },
    },
  ],
]);

type Network = Config["network"];

/** A port that nobody listens on: nothing may be open by accident. */
const UNUSED_PORT = 1;

/** Each `<workload>:<port>` of the system that this end reaches. */
function reachedFrom(manifests: readonly Manifest[], from: End): string[] {
  const ends = workloadEnds(manifests);
  return workloadsOf(manifests).flatMap(({ manifest, containers }) => {
    const name = manifest.metadata?.name ?? "";
    const to = ends.get(name);
    if (to === undefined) return [];
    const ports = containers.flatMap(({ ports = [] }) => ports.map((port) => port.containerPort));
    return [...ports, UNUSED_PORT]
      .filter((port) => letsThrough(manifests, { from, to, port }))
      .map((port) => `${name}:${port}`);
  });
}

function matrix(config: ConfigInput, profile = "prod"): Record<string, string[]> {
  const manifests = manifestsOf(resolveConfig(profile, config));
  const ends = [...workloadEnds(manifests), ...OUTSIDERS];
  return Object.fromEntries(ends.map(([name, end]) => [name, reachedFrom(manifests, end).sort()]));
}

describe("NetworkPolicies let through exactly", () => {
  test("the paths of prod", () => {
    expect(matrix({})).toEqual({
      "push-manager": ["connect-node:50052", "connect-node:8080", "etcd:2379"],
      "connect-node": ["connect-node:50052", "connect-node:8080", "etcd:2379"],
      etcd: ["connect-node:8080", "etcd:2380"],
      "the internet": ["connect-node:8080"],
      "10.1.2.3": ["connect-node:8080"],
      "some pod": ["connect-node:8080"],
      "a pod beside": ["connect-node:8080"],
      "a pod labelled as a publisher": ["connect-node:8080", "push-manager:50051"],
      Prometheus: ["connect-node:8080", "connect-node:9100", "etcd:2381", "push-manager:9100"],
      "a connect-node of another installation": ["connect-node:8080"],
    });
  });

  test("the paths of dev, where anyone may push and look at metrics", () => {
    const outside = [
      "connect-node:8080",
      "connect-node:9100",
      "etcd:2381",
      "push-manager:50051",
      "push-manager:9100",
    ];
    const inside = [...outside, "connect-node:50052", "etcd:2379"].sort();
    expect(matrix({}, "dev")).toEqual({
      "push-manager": inside,
      "connect-node": inside,
      etcd: [...outside, "etcd:2380"].sort(),
      ...Object.fromEntries([...OUTSIDERS.keys()].map((name) => [name, outside])),
    });
  });

  test("the paths that are drawn, where all is said", () => {
    const network = {
      policies: true,
      clients: [{ namespaceLabels: { "kubernetes.io/metadata.name": "some" } }],
      publishers: [{ podLabels: { app: "some" } }],
      metrics: [{ cidr: "10.1.0.0/16" }],
      restrictEgress: true,
    } as const;
    expect(matrix({ network })).toEqual({
      "push-manager": ["connect-node:50052", "etcd:2379"],
      "connect-node": ["connect-node:50052", "etcd:2379"],
      etcd: ["etcd:2380"],
      "the internet": [],
      "10.1.2.3": ["connect-node:9100", "etcd:2381", "push-manager:9100"],
      "some pod": ["connect-node:8080"],
      "a pod beside": ["push-manager:50051"],
      "a pod labelled as a publisher": ["connect-node:8080"],
      Prometheus: [],
      "a connect-node of another installation": [],
    });
  });
});

describe("where egress is restricted, a pod reaches", () => {
  const manifests = manifestsOf(resolveConfig("prod", EVERY_OPTION));
  const internet: End = { ip: "203.0.113.7" };

  test.each([...workloadEnds(manifests)])("names, but nothing else outside: %s", (name, from) => {
    const reaches = (port: number, protocol: "TCP" | "UDP") =>
      letsThrough(manifests, { from, to: internet, port, protocol });
    expect(reaches(53, "UDP")).toBe(true);
    expect(reaches(53, "TCP")).toBe(true);
    // The API server may be anywhere.
    expect(reaches(443, "TCP")).toBe(name === "deletion-cost");
    expect(reaches(443, "UDP")).toBe(false);
  });
});

describe("where egress is restricted, connect-nodes reach whom their settings have them ask", () => {
  const accounts: End = { labels: { app: "accounts" }, namespace: { name: "pushcast" } };
  const internet: End = { ip: "203.0.113.7" };

  function reached(own: Pick<NetworkPoliciesProps, "calledUrls"> & Partial<Network>, to: End) {
    const { calledUrls, ...callees } = own;
    const config = resolveConfig("prod", { network: { restrictEgress: true, ...callees } });
    const chart = new Chart(new App(), "network", { namespace: config.namespace });
    const workloads: WorkloadName[] = ["etcd", "push-manager", "connect-node"];
    const { network, traces } = config;
    new NetworkPolicies(chart, "policies", { network, workloads, calledUrls, traces });
    const policies = chart.toJson() as Manifest[];
    const node = workloadEnds(manifestsOf(config)).get("connect-node");
    if (node === undefined) throw new Error("there is no connect-node");
    return [80, 443, 8080, 8443].filter((port) => letsThrough(policies, { from: node, to, port }));
  }

  test("anywhere, at the ports of the URLs", () => {
    expect(reached({ calledUrls: [] }, internet)).toEqual([]);
    const calledUrls = ["https://id.example.com/keys", "http://accounts:8080/may"];
    expect(reached({ calledUrls }, internet)).toEqual([443, 8080]);
  });

  test("only at those who are named, at the ports that their pods have", () => {
    const own = {
      calledUrls: ["https://accounts/may"],
      callees: [{ podLabels: { app: "accounts" } }],
      calleePorts: [8443],
    };
    expect(reached(own, accounts)).toEqual([8443]);
    expect(reached(own, internet)).toEqual([]);
  });
});

describe("where egress is restricted, who makes spans reaches the collector", () => {
  const collector: End = { labels: { app: "collector" }, namespace: { name: "pushcast" } };
  const internet: End = { ip: "203.0.113.7" };

  function reached(traces: ConfigInput["traces"], to: End): Record<string, number[]> {
    const manifests = manifestsOf(
      resolveConfig("prod", { network: { restrictEgress: true }, traces }),
    );
    return Object.fromEntries(
      [...workloadEnds(manifests)].map(([name, from]) => [
        name,
        [80, 443, 4317, 4318].filter((port) => letsThrough(manifests, { from, to, port })),
      ]),
    );
  }

  test("anywhere, at the port of the URL", () => {
    expect(reached({ endpoint: "http://collector:4318" }, internet)).toEqual({
      etcd: [],
      "push-manager": [4318],
      "connect-node": [4318],
    });
  });

  test("only where it is, at the port that its pods have", () => {
    const collectors = {
      endpoint: "https://collector",
      collector: [{ podLabels: { app: "collector" } }],
      collectorPort: 4318,
    };
    expect(reached(collectors, collector)).toMatchObject({ "push-manager": [4318], etcd: [] });
    expect(reached(collectors, internet)).toMatchObject({ "push-manager": [], etcd: [] });
  });

  test("and nobody where there is none", () => {
    const nobody = { etcd: [], "push-manager": [], "connect-node": [] };
    expect(reached({}, collector)).toEqual(nobody);
  });
});

test("the controller of deletion costs reaches the metrics of connect-nodes, and nobody else's", () => {
  const deletionCost = { enabled: true };
  const reached = matrix({ deletionCost, network: { clients: [{ podLabels: { app: "some" } }] } });

  expect(reached["deletion-cost"]).toEqual(["connect-node:9100"]);
  expect(reached.Prometheus).toContain("deletion-cost:9100");
  expect(reached["a pod beside"]).not.toContain("deletion-cost:9100");
});

test("without policies everything is open", () => {
  const reached = matrix({ network: { policies: false } })["the internet"];
  expect(reached).toContain("etcd:2379");
  expect(reached).toContain(`connect-node:${UNUSED_PORT}`);
});
