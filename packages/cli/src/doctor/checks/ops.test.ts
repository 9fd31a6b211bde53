import { expect, test } from "vitest";
import { MetricsText } from "../probes/metrics-text.ts";
import type { OpsFacts } from "../probes/ops.ts";
import { checkCommonSettings } from "./common-settings.ts";
import { checkOps } from "./ops.ts";

const NODE = `
# HELP connect_node_sessions Open sessions
connect_node_sessions 100
connect_node_max_sessions 50000
connect_node_pending_connections 0
connect_node_max_pending_connections 5000
connect_node_lagging_sessions 1
connect_node_log_bytes 3000000
connect_node_max_log_bytes 67108864
connect_node_log_lifetime_seconds 300
connect_node_common_setting{setting="LOG_SECONDS"} 300
connect_node_gaps_total{reason="evicted"} 0
connect_node_rejections_total{reason="NODE_FULL"} 0
connect_node_rejections_total{reason="TOKEN_EXPIRED"} 900
connect_node_file_loads_total{files="grpc_tls",result="loaded"} 2
connect_node_certificate_expiry_seconds{files="grpc_tls"} 5000000
process_resident_memory_bytes 100000000
process_memory_limit_bytes 500000000
process_open_fds 130
process_max_fds 100000
nodejs_eventloop_lag_p99_seconds 0.012
`;

function facts(metrics: string, address = "192.0.2.1:9100"): OpsFacts {
  return {
    address,
    readyStatus: 200,
    readyChecks: {},
    metrics: new MetricsText(metrics),
    clock: [],
  };
}

/** What is not ok once lines of a node's metrics say something else. */
function faults(changes: Readonly<Record<string, number>>): string[] {
  const lines = NODE.split("\n").filter((line) => !(line.replace(/ \S+$/, "") in changes));
  const changed = Object.entries(changes).map(([series, value]) => `${series} ${value}`);
  return checkOps(facts([...lines, ...changed].join("\n")))
    .filter(({ status }) => status !== "ok")
    .map(({ check, status, found }) => `${check} ${status}: ${found}`);
}

test("a node far from its limits has no fault, whatever its clients do wrong", () => {
  expect(faults({})).toEqual([]);
});

test.each([
  [{ connect_node_sessions: 40_000 }, /^sessions warn: 40000 of 50000 \(MAX_SESSIONS\)/],
  [{ connect_node_sessions: 50_000 }, /^sessions fail: .*503 NODE_FULL/],
  [{ connect_node_lagging_sessions: 6 }, /^lagging-sessions warn: 6 of 100/],
  [
    { connect_node_log_lifetime_seconds: 41 },
    /^log-lifetime warn: 3 MiB of 64 MiB .* stay 41 of 300 s/,
  ],
  [{ 'connect_node_gaps_total{reason="evicted"}': 3 }, /^gaps warn: .*: 3 evicted$/],
  [
    { 'connect_node_rejections_total{reason="NODE_FULL"}': 7 },
    /^rejections warn: .*: 7 NODE_FULL$/,
  ],
  [{ process_resident_memory_bytes: 430_000_000 }, /^memory warn: 410 MiB of 477 MiB/],
  [{ process_max_fds: 1_024 }, /^file-descriptors warn: .*need 55200$/],
  [{ nodejs_eventloop_lag_p99_seconds: 0.4 }, /^event-loop warn: .*400 ms$/],
  [
    { 'connect_node_certificate_expiry_seconds{files="grpc_tls"}': 90_000 },
    /^own-certificate warn: the certificate of grpc_tls ends in 1 day$/,
  ],
  [{ 'connect_node_certificate_expiry_seconds{files="grpc_tls"}': -1 }, /^own-certificate fail/],
  [
    { 'connect_node_file_loads_total{files="grpc_tls",result="refused"}': 4 },
    /^file-loads warn: .*: 4 grpc_tls$/,
  ],
])("%j", (changes, fault) => {
  expect(faults(changes)).toEqual([expect.stringMatching(fault)]);
});

test("a manager that holds publishers back fails", () => {
  const findings = checkOps(facts("push_manager_log_bytes 1\npush_manager_held 1\n"));
  expect(findings.find(({ check }) => check === "publishers-held")).toMatchObject({
    status: "fail",
  });
});

test("what is no process of pushcast is told so", () => {
  expect(checkOps(facts("go_goroutines 7\n"))).toContainEqual(
    expect.objectContaining({ check: "ops-service", status: "fail" }),
  );
});

test("a process that is not ready says what it misses", () => {
  const waiting = { registered: "ok", warm: "reading the log of node-2" };
  const findings = checkOps({ ...facts(NODE), readyStatus: 503, readyChecks: waiting } as OpsFacts);
  expect(findings[0]).toMatchObject({
    check: "readyz",
    status: "fail",
    found: "503: warm: reading the log of node-2",
  });
});

test("settings are compared among the processes that say them", () => {
  const saying = (value: number) => `connect_node_common_setting{setting="LAG_SECONDS"} ${value}\n`;
  const [one, same, other] = [
    facts(saying(30), "a:1"),
    facts(saying(30), "b:1"),
    facts(saying(60), "c:1"),
  ];
  expect(checkCommonSettings([one])).toEqual([expect.objectContaining({ status: "not checked" })]);
  expect(checkCommonSettings([one, same])).toEqual([
    expect.objectContaining({ status: "ok", found: "2 processes agree on LAG_SECONDS" }),
  ]);
  expect(checkCommonSettings([one, same, other])).toEqual([
    expect.objectContaining({
      status: "fail",
      found: "LAG_SECONDS differs: 30 at a:1, b:1; 60 at c:1",
    }),
  ]);
});
