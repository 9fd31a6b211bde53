import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { credentials } from "@grpc/grpc-js";
import { alertGroups, dashboardRows, type Panel, ruleGroups, selectorsIn } from "@pushcast/cdk8s";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tlsSettings } from "../support/certificates.ts";
import type { RunningNode } from "../support/processes.ts";
import { Prometheus, type ScrapeTarget } from "../support/prometheus.ts";
import { type Cluster, Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const NAMESPACE = "pushcast";
const SELECTORS = selectorsIn(NAMESPACE);
const GROUPS = ruleGroups(
  alertGroups({
    selectors: SELECTORS,
    connectNodes: 2,
    pushManagers: 1,
    etcdMembers: 1,
    graceSeconds: 0,
  }),
  { namespace: NAMESPACE, runbookUrl: "https://example.com/runbook.md" },
).map(({ name, rules }) => ({
  name,
  // Somebody is told at once.
  rules: rules.map((rule) => ({ ...rule, for: "0s" })),
}));
const RULES = GROUPS.flatMap(({ rules }) => rules);
const POLL = { timeout: 15_000, interval: 50 };
const SERIES = /\b[a-z_][a-z0-9_]*\{[^}]*\}/g;

const stage = new Stage();
let cluster: Cluster;
let prometheus: Prometheus;

beforeAll(async () => {
  // With TLS, so that certificates have an end.
  const ca = await stage.ca();
  const [ofManager, ofNode, trust] = await Promise.all([
    ca.issue({ dnsNames: ["push-manager"] }),
    ca.issue({ dnsNames: ["connect-node"] }),
    readFile(ca.cert),
  ]);
  cluster = await stage.cluster(2, {
    node: { REGISTRATION_TTL_S: 60, ...tlsSettings(ofNode) },
    manager: tlsSettings(ofManager),
    publisher: { credentials: credentials.createSsl(trust) },
  });
  const { etcd, manager, nodes, publisher } = cluster;
  prometheus = await Prometheus.start(
    [
      target(etcd.endpoint, "etcd", "etcd-0"),
      target(manager.opsUrl, "push-manager", "push-manager-1"),
      ...nodes.map(({ opsUrl }, index) => target(opsUrl, "connect-node", `connect-node-${index}`)),
    ],
    GROUPS,
  );
  stage.atEnd(() => prometheus.close());
  const client = await stage.client(nodes[0] as RunningNode, { userId: "ann" });
  await client.join("r");
  await publisher.pushToRoom({ roomId: "r", content: "hello" });
  await client.message("hello");
});

afterAll(() => stage.close());

test("a Prometheus has data for every series that alerts and panels ask for", async () => {
  const queries = dashboardRows(SELECTORS).flatMap(({ panels }) => panels.flatMap(queriesOf));
  const expressions = [...RULES.map(({ expr }) => expr), ...queries];
  const series = new Set(expressions.flatMap((expr) => expr.match(SERIES) ?? []));
  for (const promql of [...series, ...queries]) {
    await until(`data for ${promql}`, async () => (await prometheus.query(promql)).length > 0);
  }
});

test("every rule is evaluated without an error", async () => {
  await until("every rule was evaluated", async () =>
    (await prometheus.rules()).every(({ health }) => health !== "unknown"),
  );
  const rules = await prometheus.rules();
  expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
  expect(rules.map(({ name }) => name).sort()).toEqual(RULES.map(({ alert }) => alert).sort());
});

test("Prometheus's own linter finds nothing wrong with the metrics of the services", async () => {
  const { manager, nodes } = cluster;
  for (const { opsUrl } of [manager, ...nodes]) {
    const input = await (await fetch(`${opsUrl}/metrics`)).text();
    const options = { input, encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], options);
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: "" });
  }
});

test("certificates that end in less than a week are told of", async () => {
  await expect
    .poll(async () => (await firing("PushcastCertificateExpiresSoon")).sort(), POLL)
    .toEqual([
      expect.stringMatching(/^The certificate of connect-node-0 \(grpc_tls\) ends in /),
      expect.stringMatching(/^The certificate of connect-node-1 \(grpc_tls\) ends in /),
      expect.stringMatching(/^The certificate of push-manager-1 \(grpc_tls\) ends in /),
    ]);
});

test("a node that hangs is told of, until it goes on", async () => {
  const node = (cluster.nodes[1] as RunningNode).process;
  const summaries = {
    PushcastPodUnreachable: "Prometheus cannot scrape connect-node-1",
    PushcastConnectNodesMissing: "1 connect-nodes answer; there should be 2 at least",
    PushcastLinksDown: "push-manager-1 has no link to 1 of the registered nodes",
  };
  await allQuiet(summaries);

  node.freeze();
  await allFire(summaries);

  node.thaw();
  await allQuiet(summaries);
});

test("an etcd that stops is told of, until it is back", async () => {
  const summaries = {
    PushcastEtcdUnavailable: "0 etcd members have a leader; it takes 1",
    PushcastEtcdMembersMissing: "0 of 1 etcd members answer",
  };
  await allQuiet(summaries);

  await cluster.etcd.stop();
  await allFire(summaries);

  await cluster.etcd.start();
  await allQuiet(summaries);
});

test("a manager that knows no node is told of", async () => {
  const summaries = { PushcastNoNodesKnown: "push-manager-1 knows no connect-node" };
  await allQuiet(summaries);

  for (const { process } of cluster.nodes) expect(await process.stop()).toBe(0);
  await allFire(summaries);
});

function target(url: string, job: string, pod: string): ScrapeTarget {
  return { url, labels: { namespace: NAMESPACE, job, pod } };
}

/** Of a panel, with the shortest window that Grafana would ask for. */
function queriesOf({ queries }: Panel): string[] {
  return queries.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m"));
}

/** Waits until each of these alerts fires once, with that summary. */
async function allFire(summaries: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, summary] of Object.entries(summaries)) {
    await expect.poll(() => firing(name), POLL).toEqual([summary]);
  }
}

async function allQuiet(summaries: Readonly<Record<string, string>>): Promise<void> {
  for (const name of Object.keys(summaries)) {
    await expect.poll(() => firing(name), POLL).toEqual([]);
  }
}

/** The summaries of an alert that fires; empty while it does not. */
async function firing(name: string): Promise<(string | undefined)[]> {
  const { state, alerts } = await prometheus.rule(name);
  return state === "firing" ? alerts.map(({ annotations }) => annotations.summary) : [];
}
