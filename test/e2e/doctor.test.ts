import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runInMemory } from "../../packages/cli/test/run-in-memory.ts";
import { tlsSettings } from "../support/certificates.ts";
import type { Etcd } from "../support/etcd.ts";
import { deleteKey, putKey } from "../support/etcd-keys.ts";
import { freePorts } from "../support/free-ports.ts";
import type { RunningManager, RunningNode } from "../support/processes.ts";
import { Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

interface Report {
  readonly status: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly checks: readonly {
    readonly section: string;
    readonly check: string;
    readonly status: string;
    readonly found: string;
    readonly advice?: string;
  }[];
}

const TOKEN = "doctor-token-0123456789";

const FEW_HANDSHAKES = { HANDSHAKE_BURST: 20, HANDSHAKE_RATE: 20, RETRY_AFTER_MAX_SECONDS: 1 };

const stage = new Stage();
let etcd: Etcd;
let manager: RunningManager;
let node: RunningNode;
let other: RunningNode;

beforeAll(async () => {
  etcd = await stage.etcd();
  const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
  [manager, node, other] = await Promise.all([
    stage.manager({ ...found, ACK_TIMEOUT_MS: 300 }),
    stage.node({ ...found, POD_NAME: "node-1", ZONE: "a", ...FEW_HANDSHAKES }),
    stage.node({ ...found, POD_NAME: "node-2", ZONE: "a", LOG_SECONDS: 200 }),
  ]);
  await stage.publisher(manager).untilLinked(["node-1", "node-2"]);
  await Promise.all([node.warm(), other.warm()]);
});

afterAll(() => stage.close());

/** What doctor says, by the names of its checks; of several with one name the worst. */
async function doctor(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await runInMemory(["doctor", "--json", ...args], {
    env: { PUSHCAST_TIMEOUT: "1s" },
  });
  expect(stderr).toBe("");
  const report = JSON.parse(stdout) as Report;
  const of = (name: string) => report.checks.filter(({ check }) => check === name);
  return {
    exitCode,
    report,
    /** The finding of that check which is not ok, else the first. */
    finding: (name: string) => of(name).find(({ status }) => status !== "ok") ?? of(name)[0],
    failed: report.checks.filter(({ status }) => status === "fail").map(({ check }) => check),
  };
}

const opsOf = ({ opsUrl }: { readonly opsUrl: string }) => new URL(opsUrl).host;

describe("of a system that is well", () => {
  test("all is checked, from DNS to a push from end to end", async () => {
    const { exitCode, report, finding, failed } = await doctor(
      ...["--manager", manager.grpcAddress, "--url", node.wsUrl, "--etcd", etcd.endpoint],
      ...["--ops", `${opsOf(manager)},${opsOf(node)}`, "--host"],
    );
    expect(failed).toEqual([]);
    expect(exitCode).toBe(0);
    expect(finding("manager-health")?.found).toBe("SERVING");
    expect(finding("nodes-ready")?.found).toBe("2 known: 2 ready, 0 starting, 0 draining");
    expect(finding("node-zones")).toMatchObject({ status: "warn" });
    expect(finding("etcd-leader")).toMatchObject({ status: "ok" });
    expect(finding("etcd-size")?.found).toMatch(/of a quota of 2048\.0 MiB$/);
    expect(finding("etcd-nodes-linked")).toMatchObject({ status: "ok", found: "all 2" });
    expect(finding("common-settings")?.found).toMatch(/^2 processes agree on .*LAG_SECONDS/);
    expect(finding("client-subprotocol")?.found).toBe("pushcast.v1.json");
    expect(finding("client-idle-timeout")).toMatchObject({ status: "not_checked" });
    expect(finding("test-push-arrived")).toMatchObject({ status: "ok" });
    expect(report.checks.filter(({ check }) => check === "clock")).toHaveLength(4);
    expect(finding("clock")).toMatchObject({ status: "ok" });
    expect(report.counts).toMatchObject({ fail: 0 });
    for (const { status, advice } of report.checks) {
      expect(advice === undefined).toBe(status === "ok");
    }
  });

  test("a warning fails only where it is asked to be strict", async () => {
    const loose = await doctor("--manager", manager.grpcAddress);
    expect(loose.report.status).toBe("warn");
    expect(loose.exitCode).toBe(0);
    expect((await doctor("--manager", manager.grpcAddress, "--strict")).exitCode).toBe(1);
  });

  test("a person reads sections, marks, and what to do", async () => {
    const { stdout, exitCode } = await runInMemory(["doctor", "--manager", manager.grpcAddress]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Push-manager ${manager.grpcAddress}\n  ok    manager-reachable: `);
    expect(stdout).toMatch(/ {2}WARN {2}node-zones: .*\n {8}→ Spread the pods/);
    expect(stdout).toMatch(/\n\d+ ok, 1 warn, 6 not checked\n$/);
  });

  test("settings that differ between processes are told with their values", async () => {
    const { finding, exitCode } = await doctor("--ops", `${opsOf(node)},${opsOf(other)}`);
    expect(exitCode).toBe(1);
    expect(finding("common-settings")).toMatchObject({
      status: "fail",
      found: `LOG_SECONDS differs: 300 at ${opsOf(node)}; 200 at ${opsOf(other)}`,
    });
  });

  test("bench counts each delivery, and waits for its turn to connect", async () => {
    const { exitCode, stdout } = await runInMemory([
      ...["bench", "--json", "--manager", manager.grpcAddress, "--url", node.wsUrl],
      // More than are admitted at once.
      ...["--clients", "30", "--rooms", "3", "--rate", "60", "--seconds", "1"],
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      pushes_accepted: 60,
      pushes_failed: {},
      deliveries: 600,
      lost: 0,
      repeated: 0,
      disconnected: 0,
      latency_ms: { p50: expect.any(Number), max: expect.any(Number) },
    });
    const refused = { reason: "TOO_MANY_HANDSHAKES" };
    expect((await node.metrics()).value("connect_node_rejections_total", refused)).toBeGreaterThan(
      0,
    );
  });
});

describe("of a push-manager that is not well", () => {
  test("an address at which nobody listens, and a name that nobody knows", async () => {
    const [port] = await freePorts(1);
    const nobody = await doctor("--manager", `127.0.0.1:${port}`);
    expect(nobody.exitCode).toBe(1);
    expect(nobody.finding("manager-reachable")?.found).toMatch(/ECONNREFUSED/);
    const nameless = await doctor("--manager", "push-manager.invalid:50051");
    expect(nameless.finding("manager-reachable")?.found).toMatch(/cannot be looked up/);
  });

  test("a port of another service", async () => {
    const ofNode = await doctor("--manager", node.grpcAddress);
    expect(ofNode.finding("manager-access")?.advice).toMatch(/not of a connect-node/);
    const ofOps = await doctor("--manager", opsOf(manager));
    expect(ofOps.failed).toEqual(["manager-health"]);
  });

  test("TLS where there is none, none where there is, a CA, a name, and no token", async () => {
    const [ca, foreign] = await Promise.all([stage.ca(), stage.ca()]);
    const callers = join(tmpdir(), `pushcast-doctor-${process.pid}.json`);
    const tokenFile = `${callers}.token`;
    const caller = { name: "doctor", token: TOKEN, rpcs: ["*"] };
    await writeFile(callers, JSON.stringify({ callers: [caller] }));
    await writeFile(tokenFile, TOKEN);
    stage.atEnd(() => Promise.all([rm(callers), rm(tokenFile)]));
    const certificate = await ca.issue({ dnsNames: ["push-manager"] });
    const guarded = await stage.manager({
      ...{ REGISTRY: "static", NODES: "127.0.0.1:1", LOG_LEVEL: "fatal" },
      ...{ PUSH_AUTH: "token", PUSH_TOKENS_FILE: callers },
      ...tlsSettings(certificate),
    });
    const address = ["--manager", guarded.grpcAddress];

    const plain = await doctor("--manager", manager.grpcAddress, "--ca", ca.cert);
    expect(plain.finding("manager-tls")?.found).toMatch(/speaks plain text/);
    expect((await doctor(...address)).finding("manager-tls")?.found).toMatch(/server speaks TLS/);
    const wrongCa = await doctor(...address, "--ca", foreign.cert);
    expect(wrongCa.finding("manager-certificate")?.found).toMatch(/is not trusted/);
    const wrongName = await doctor(...address, "--ca", ca.cert, "--server-name", "else.example");
    expect(wrongName.finding("manager-certificate")?.found).toMatch(/is not for else\.example/);
    const tokenless = await doctor(...address, "--ca", ca.cert);
    expect(tokenless.finding("manager-certificate")?.found).toMatch(/in 1 day/);
    expect(tokenless.finding("manager-access")?.found).toMatch(/^TOKEN_MISSING/);
    const known = await doctor(...address, "--ca", ca.cert, "--token-file", tokenFile);
    expect(known.failed).toEqual(["node-links"]);
  });
});

describe("of an etcd that is not well", () => {
  test("keys that nobody can read, or that no node renews", async () => {
    const key = "/pushcast/nodes/stranger";
    await putKey(etcd.endpoint, key, "not JSON");
    const { finding } = await doctor("--etcd", etcd.endpoint, "--manager", manager.grpcAddress);
    expect(finding("etcd-keys")?.found).toContain(`${key} (not JSON)`);
    expect(finding("etcd-leases")?.found).toContain(key);
    await deleteKey(etcd.endpoint, key);
  });

  test("one whose certificate has expired, and one that speaks plain text", async () => {
    const ca = await stage.ca();
    const expired = await ca.issue({ dnsNames: ["etcd"], expired: true });
    const secure = await stage.etcd({ tls: expired });
    const late = await doctor("--etcd", secure.endpoint, "--etcd-ca", ca.cert);
    expect(late.finding("etcd-certificate")?.found).toMatch(/ended on/);
    const mixedUp = await doctor("--etcd", etcd.endpoint.replace("http:", "https:"));
    expect(mixedUp.finding("etcd-tls")?.found).toMatch(/server speaks plain text/);
  });

  test("one that is frozen, and one that is stopped", async () => {
    etcd.freeze();
    const frozen = await doctor("--etcd", etcd.endpoint, "--timeout", "300ms");
    expect(frozen.failed).toEqual(["etcd-answers"]);
    etcd.thaw();
    await etcd.stop();
    const stopped = await doctor("--etcd", etcd.endpoint, "--manager", manager.grpcAddress);
    expect(stopped.finding("etcd-reachable")?.found).toMatch(/ECONNREFUSED/);
    expect(stopped.finding("node-links")).toMatchObject({ status: "ok" });
    await etcd.start();
  });
});

describe("of a node that is not well", () => {
  test("one that is frozen is named, and what was pushed did not reach it", async () => {
    other.process.freeze();
    const { failed, finding } = await doctor(
      ...["--manager", manager.grpcAddress, "--url", node.wsUrl, "--ops", opsOf(other)],
    );
    other.process.thaw();
    expect(failed).toContain("ops-reachable");
    expect(failed).toContain("test-push-report");
    expect(finding("test-push-report")?.found).toMatch(/failures: node-2 (DEADLINE|LINK_DOWN)/);
    expect(finding("test-push-arrived")).toMatchObject({ status: "ok" });
  });

  test("one that drains takes no client, and says so", async () => {
    await fetch(`${other.opsUrl}/drain`, { method: "POST" });
    await until("node-2 takes no client", async () => {
      return (await fetch(`${other.opsUrl}/readyz`)).status === 503;
    });
    const { failed, finding } = await doctor("--url", other.wsUrl, "--ops", opsOf(other));
    expect(failed).toEqual(["readyz", "client-handshake"]);
    expect(finding("client-handshake")?.found).toMatch(/^503 NODE_DRAINING/);
    expect(finding("test-push")).toMatchObject({ status: "not_checked" });
  });
});

describe("what is given wrongly is said before anything is looked at", () => {
  test.each([
    [["doctor", "--ops", "localhost"], "--ops takes HOST:PORT"],
    [["doctor", "--etcd", "localhost:2379"], "--etcd takes URLs"],
    [["doctor", "--url", "https://localhost/ws"], "a URL with ws:// or wss://"],
    [["bench", "--clients", "5001"], "--clients takes a whole number from 1 to 5000"],
    [["bench", "--rooms", "200"], "200 rooms for 100 clients"],
  ])("%j", async (args, message) => {
    const { exitCode, stdout, stderr } = await runInMemory(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain(message);
  });
});
