import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { GrafanaDashboard } from "../../src/monitoring/dashboard/grafana-dashboard.ts";
import { dashboardRows } from "../../src/monitoring/dashboard/rows/rows.ts";
import { selectorsIn } from "../../src/monitoring/selectors.ts";
import { EVERY_OPTION } from "../support/configs.ts";
import { manifestsOf, ofKind, selects } from "../support/manifests.ts";
import { RULES } from "./example-rules.ts";
import { promtool } from "./promtool.ts";

/** What etcd takes of a ConfigMap. */
const MAX_CONFIG_MAP_BYTES = 1024 ** 2;
const GRID_WIDTH = 24;

const prod = resolveConfig("prod");
const panels = dashboardRows(selectorsIn("pushcast")).flatMap((row) => row.panels);

/** The one file of a ConfigMap. */
function fileOf(config: Config, configMap: string): [name: string, text: string] {
  const found = ofKind(manifestsOf(config), "ConfigMap").find(
    ({ metadata }) => metadata?.name === configMap,
  );
  const [file] = Object.entries(found?.data ?? {});
  if (file === undefined) throw new Error(`no ConfigMap ${configMap}`);
  return file;
}

function dashboardOf(config: Config): GrafanaDashboard {
  return JSON.parse(fileOf(config, "pushcast-dashboard")[1]);
}

function kindsOf(own: unknown): Set<string> {
  return new Set(manifestsOf(resolveConfig("prod", own)).map(({ kind }) => kind));
}

describe("monitoring", () => {
  test("adds nothing that only the Prometheus operator knows where it is off", () => {
    const kinds = kindsOf({ monitoring: { enabled: false } });
    expect([...kinds].filter((kind) => /Monitor|Prometheus/.test(kind))).toEqual([]);
  });

  test("scrapes each workload under the job of its name, which alerts and panels ask for", () => {
    const manifests = manifestsOf(prod);
    const jobs = ofKind(manifests, "ServiceMonitor").map(({ spec }) => {
      const [port] = spec.endpoints.map((endpoint) => endpoint.port);
      const service = ofKind(manifests, "Service").find(
        (candidate) =>
          selects(spec.selector.matchLabels, candidate.metadata?.labels) &&
          candidate.spec?.ports?.some(({ name }) => name === port),
      );
      return service?.metadata?.labels?.[spec.jobLabel ?? ""];
    });
    expect(jobs.sort()).toEqual(["connect-node", "etcd", "push-manager"]);
  });

  test("has the labels, the interval and the runbook that the configuration says", () => {
    const manifests = manifestsOf(resolveConfig("prod", EVERY_OPTION));
    const [rule] = ofKind(manifests, "PrometheusRule");
    expect(rule?.metadata?.labels).toMatchObject({ "example.com/prometheus": "main" });
    const [first] = rule?.spec?.groups?.[0]?.rules ?? [];
    expect(first?.annotations?.runbook_url).toBe(
      "https://docs.example.org/push/runbook#pushcastconnectnodesmissing",
    );
    for (const { metadata, spec } of ofKind(manifests, "ServiceMonitor")) {
      expect(metadata?.labels).toMatchObject({ "example.com/prometheus": "main" });
      expect(spec.endpoints.map(({ interval }) => interval)).toEqual(["30s"]);
    }
  });

  test("has rules that promtool finds nothing wrong with", () => {
    const [rule] = ofKind(manifestsOf(prod), "PrometheusRule");
    const { output, passed } = promtool(["check", "rules", "rules.yaml"], {
      "rules.yaml": rule?.spec,
    });
    expect(passed, output).toBe(true);
    expect(output).toContain(`SUCCESS: ${RULES.length} rules found`);
  });

  test("expects as many pods as the configuration says", () => {
    const [rule] = ofKind(manifestsOf(resolveConfig("prod", EVERY_OPTION)), "PrometheusRule");
    const exprOf = (name: string) =>
      rule?.spec?.groups?.flatMap(({ rules }) => rules ?? []).find(({ alert }) => alert === name)
        ?.expr;
    expect(exprOf("PushcastConnectNodesMissing")).toMatch(/ < 4$/);
    expect(exprOf("PushcastPushManagersMissing")).toMatch(/ < 3$/);
    expect(exprOf("PushcastEtcdMembersMissing")).toMatch(/ < 5$/);
    expect(exprOf("PushcastEtcdUnavailable")).toMatch(/ < 3$/);
  });
});

test.each([
  ...RULES.map(({ alert, expr }) => [alert, expr]),
  ...panels.flatMap(({ title, queries }) => queries.map(({ expr }) => [title, expr])),
])("%s asks only for series of its own namespace and jobs", (_, expr = "") => {
  const matchers = /\{namespace="pushcast",job=~?"[-a-z|]+"[^}]*\}/g;
  expect(expr.replaceAll(matchers, "")).not.toMatch(/\{/);
  const metrics = /\b(push_manager|connect_node|etcd|process|nodejs|grpc_server)_\w+|\bup\b/g;
  expect(expr.match(metrics)).toHaveLength(expr.match(matchers)?.length ?? 0);
});

describe("the dashboard", () => {
  test("is a ConfigMap that Grafana's sidecar finds and that is small enough", () => {
    const [name, text] = fileOf(prod, "pushcast-dashboard");
    expect(name).toBe("pushcast-pushcast.json");
    expect(text.length).toBeLessThan(MAX_CONFIG_MAP_BYTES / 2);
    const [configMap] = ofKind(manifestsOf(prod), "ConfigMap");
    expect(configMap?.metadata?.labels).toMatchObject({ grafana_dashboard: "1" });
    expect(configMap?.metadata?.annotations).toEqual({ grafana_folder: "Pushcast" });
  });

  test("is another one for each namespace, with an id that Grafana takes", () => {
    const namespace = "a".repeat(63);
    const { uid, title } = dashboardOf(resolveConfig("prod", { namespace }));
    expect(uid).toHaveLength(40);
    expect(title).toContain(namespace);
  });

  test("shows every panel and query", () => {
    const shown = JSON.stringify(dashboardOf(prod).panels);
    for (const { title, queries } of panels) {
      expect(shown).toContain(JSON.stringify(title));
      for (const { expr } of queries) expect(shown).toContain(JSON.stringify(expr));
    }
  });

  test("has panels with ids of their own, which do not overlap", () => {
    const shown = dashboardOf(prod).panels;
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    const taken = new Set<string>();
    for (const { gridPos } of shown) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(GRID_WIDTH);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
      }
    }
  });

  test("says of each panel what it is good for", () => {
    const silent = panels.filter(({ description }) => !description.endsWith("."));
    expect(silent).toEqual([]);
  });
});

describe("the rule for prometheus-adapter", () => {
  test("is there if the autoscaler goes by sessions, and is about the metric that it asks for", () => {
    const config = resolveConfig("prod", { connectNode: { sessionsPerPod: 10_000 } });
    const { rules } = JSON.parse(fileOf(config, "prometheus-adapter-rules")[1]);
    const metric = ofKind(manifestsOf(config), "HorizontalPodAutoscaler")
      .flatMap(({ spec }) => spec?.metrics ?? [])
      .find(({ type }) => type === "Pods")?.pods?.metric.name;
    expect(metric).toBe("connect_node_sessions");
    expect(rules).toEqual([
      {
        seriesQuery: 'connect_node_sessions{namespace!="",pod!=""}',
        resources: {
          overrides: { namespace: { resource: "namespace" }, pod: { resource: "pod" } },
        },
        metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
      },
    ]);
  });

  test("is not there otherwise", () => {
    expect(() => fileOf(prod, "prometheus-adapter-rules")).toThrow("no ConfigMap");
  });
});
