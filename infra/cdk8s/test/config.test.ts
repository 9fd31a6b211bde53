import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createApp } from "../src/app.ts";
import { type ConfigProblem, InvalidConfig } from "../src/config/invalid-config.ts";
import { loadConfig, resolveConfig } from "../src/config/load.ts";
import { configOptions } from "../src/config/options.ts";
import type { ConfigInput } from "../src/config/schema.ts";
import { EVERY_OPTION } from "./support/configs.ts";

function file(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "pushcast-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What is wrong with a configuration, also where that shows only when it is synthesized. */
function problemsOf(own: unknown, profile = "prod"): readonly ConfigProblem[] {
  try {
    createApp(resolveConfig(profile, own));
  } catch (error) {
    if (error instanceof InvalidConfig) return error.problems;
    throw error;
  }
  return [];
}

describe("a configuration", () => {
  test("is a profile with the user's own values over it", () => {
    const config = resolveConfig("dev", { connectNode: { replicas: { max: 5 } } });
    expect(config.connectNode.replicas).toEqual({ min: 2, max: 5, cpuPercent: 70 });
    expect(config.etcd.members).toBe(1);
  });

  test("takes lists as a whole, and null for what the profile should not say", () => {
    const peers = [{ cidr: "10.0.0.0/8" }];
    const own: ConfigInput = {
      network: { publishers: peers },
      ingress: { className: null, tlsSecret: null },
    };
    const config = resolveConfig("prod", own);
    expect(config.network.publishers).toEqual(peers);
    expect(config.ingress.className).toBeUndefined();
  });

  test("leaves the profile as it was", () => {
    const before = resolveConfig("prod");
    resolveConfig("prod", EVERY_OPTION);
    expect(resolveConfig("prod")).toEqual(before);
  });

  test("comes from a JSON file", async () => {
    const path = file("own.json", `{"namespace": "push"}`);
    expect(await loadConfig({ profile: "prod", file: path })).toMatchObject({ namespace: "push" });
  });

  test("comes from a TypeScript file", async () => {
    const path = file("own.ts", `const name: string = "push"; export default { namespace: name };`);
    expect(await loadConfig({ file: path })).toMatchObject({
      namespace: "push",
      etcd: { members: 1 },
    });
  });

  test("is such as the README shows", async () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const config = await loadConfig({ profile: "prod", file: file("own.ts", example) });

    expect(config.connectNode.settings).toMatchObject({ MAX_SESSIONS: 30_000 });
    expect(() => createApp(config)).not.toThrow();
  });

  test("with every option says something of every option", () => {
    const said = (path: readonly string[]) =>
      path.reduce<unknown>(
        (value, key) => (value as Record<string, unknown> | undefined)?.[key],
        EVERY_OPTION,
      );
    const unsaid = configOptions().filter(({ path }) => said(path) === undefined);
    expect(unsaid).toEqual([]);
  });
});

describe("a configuration is refused with the place and the reason", () => {
  test.each<[string, unknown, ConfigProblem]>([
    ["an unknown key", { namespac: "x" }, { path: "namespac", problem: "is not known" }],
    [
      "an unknown key further down",
      { etcd: { replicas: 3 } },
      { path: "etcd.replicas", problem: "is not known" },
    ],
    [
      "a setting that the service does not know",
      { connectNode: { settings: { MAX_SESSION: 1 } } },
      { path: "connectNode.settings.MAX_SESSION", problem: "is not known" },
    ],
    [
      "a setting of the other service",
      { pushManager: { settings: { MAX_SESSIONS: 1 } } },
      { path: "pushManager.settings.MAX_SESSIONS", problem: "is not known" },
    ],
    [
      "a setting that the manifests give themselves",
      { connectNode: { settings: { WS_PORT: 80 } } },
      { path: "connectNode.settings.WS_PORT", problem: "is given by the manifests" },
    ],
    [
      "a secret setting",
      { connectNode: { settings: { OPS_TOKEN: "hush" } } },
      {
        path: "connectNode.settings.OPS_TOKEN",
        problem: expect.stringContaining("name that in connectNode.opsTokenSecret"),
      },
    ],
    [
      "a setting of traces, which are for both services",
      { pushManager: { settings: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" } } },
      {
        path: "pushManager.settings.OTEL_EXPORTER_OTLP_ENDPOINT",
        problem: "stands in traces.endpoint",
      },
    ],
    [
      "a collector's URL with a password in it, which would stand in the manifests",
      { traces: { endpoint: "http://user:password@collector:4318" } },
      { path: "traces.endpoint", problem: expect.stringContaining("without credentials") },
    ],
    [
      "the console's token among the settings",
      { pushManager: { settings: { CONSOLE_TOKEN: "hush" } } },
      {
        path: "pushManager.settings.CONSOLE_TOKEN",
        problem: expect.stringContaining("name that in pushManager.consoleTokenSecret"),
      },
    ],
    [
      "the console without its token",
      { pushManager: { settings: { CONSOLE: "on" } } },
      {
        path: "pushManager.settings.CONSOLE",
        problem: "is on where pushManager.consoleTokenSecret says where its token is",
      },
    ],
    [
      "a setting that must be the same in all processes, for one service",
      { connectNode: { settings: { LOG_BYTES: 1024 } } },
      {
        path: "connectNode.settings.LOG_BYTES",
        problem: expect.stringContaining("it stands in settings"),
      },
    ],
    [
      "a value that the service would refuse",
      { settings: { LOG_SECONDS: 0.5 } },
      {
        path: "settings.LOG_SECONDS",
        problem: 'must be a number of seconds from 1 to 86400, not "0.5"',
      },
    ],
    [
      "a rule of the service about several settings",
      { connectNode: { settings: { JWT_JWKS_URL: "https://id.example.com/keys" } } },
      {
        path: "connectNode.settings.AUTH_MODE",
        problem: expect.stringContaining("takes only one of"),
      },
    ],
    [
      "clients that are believed",
      { connectNode: { settings: { AUTH_MODE: "none" } } },
      {
        path: "connectNode.settings.AUTH_MODE",
        problem: expect.stringContaining("refused with NODE_ENV=production"),
      },
    ],
    [
      "another environment than that of the images",
      { connectNode: { settings: { NODE_ENV: "development" } } },
      { path: "connectNode.settings.NODE_ENV", problem: "is given by the images" },
    ],
    [
      "a file of a Secret as a path",
      { connectNode: { settings: { JWT_SECRET_FILE: "/tmp/secret" } } },
      {
        path: "connectNode.settings.JWT_SECRET_FILE",
        problem: "is a file: put it into a Secret, and name that in connectNode.files",
      },
    ],
    [
      "a file of TLS for one service",
      { pushManager: { files: { GRPC_TLS_KEY_FILE: { name: "a", key: "b" } } } },
      { path: "pushManager.files.GRPC_TLS_KEY_FILE", problem: "is given by tls" },
    ],
    [
      "less memory than the settings allow a node to need",
      { connectNode: { settings: { MAX_SESSIONS: 50_000 } } },
      {
        path: "connectNode.resources.memory",
        problem: "2Gi is less than the 3454Mi that its settings allow it to need",
      },
    ],
    [
      "less memory than the settings allow a manager to need",
      { pushManager: { resources: { memory: "256Mi" } } },
      {
        path: "pushManager.resources.memory",
        problem: "256Mi is less than the 333Mi that its settings allow it to need",
      },
    ],
    [
      "an autoscaler that would never add a pod",
      { connectNode: { sessionsPerPod: 20_001 } },
      {
        path: "connectNode.sessionsPerPod",
        problem: "20001 is above MAX_SESSIONS, 20000: no pod would ever be added",
      },
    ],
    [
      "fewer pods at most than at least",
      { pushManager: { replicas: { min: 3, max: 2 } } },
      { path: "pushManager.replicas.max", problem: "must not be less than min" },
    ],
    [
      "an image without a tag",
      { images: { etcd: "registry.example.com:5000/etcd" } },
      {
        path: "images.etcd",
        problem: "must be an image with a tag other than latest, or with a digest",
      },
    ],
    [
      "an image of the latest",
      { images: { etcd: "etcd:latest" } },
      {
        path: "images.etcd",
        problem: "must be an image with a tag other than latest, or with a digest",
      },
    ],
    [
      "a quantity that is none",
      { etcd: { storage: "8 GB" } },
      { path: "etcd.storage", problem: 'must be a quantity of bytes, such as "512Mi"' },
    ],
    [
      "CPUs that are none",
      { etcd: { resources: { cpu: "0" } } },
      {
        path: "etcd.resources.cpu",
        problem: 'must be a quantity of CPUs, such as "500m" or "2"',
      },
    ],
    [
      "CPUs that are a number",
      { etcd: { resources: { cpu: 2 } } },
      {
        path: "etcd.resources.cpu",
        problem: 'must be a quantity of CPUs, such as "500m" or "2"',
      },
    ],
    [
      "a Secret without its key",
      { connectNode: { opsTokenSecret: "ops" } },
      { path: "connectNode.opsTokenSecret", problem: "must be { name, key }, of a Secret" },
    ],
    [
      "a namespace that is no name",
      { namespace: "Push" },
      { path: "namespace", problem: "must be a DNS label, such as push-1" },
    ],
    [
      "a label's value that is none",
      { etcd: { nodeSelector: { pool: "a b" } } },
      { path: "etcd.nodeSelector.pool", problem: "must be a label's value" },
    ],
    [
      "a certificate without a host",
      { ingress: { hosts: [] } },
      { path: "ingress.hosts", problem: "is required with tlsSecret" },
    ],
    [
      "two members of etcd",
      { etcd: { members: 2 } },
      { path: "etcd.members", problem: "must be 1, 3 or 5" },
    ],
    [
      "an election of etcd's that it would not start with",
      { etcd: { heartbeatMs: 250 } },
      {
        path: "etcd.electionMs",
        problem: "must be at least five times heartbeatMs, or etcd does not start",
      },
    ],
    [
      "a list of nobody",
      { network: { publishers: [] } },
      { path: "network.publishers", problem: expect.stringContaining("1 ") },
    ],
    [
      "a peer that is both a pod and an address",
      { network: { publishers: [{ cidr: "10.0.0.0/8", podLabels: {} }] } },
      { path: "network.publishers.0", problem: expect.stringContaining("must have either cidr") },
    ],
    [
      "an address that is no range",
      { network: { publishers: [{ cidr: "10.0.0.0" }] } },
      {
        path: "network.publishers.0.cidr",
        problem: "must be a range of addresses, such as 10.0.0.0/8",
      },
    ],
    [
      "an unknown key of a peer",
      { network: { publishers: [{ podLabels: {}, namespace: "x" }] } },
      { path: "network.publishers.0.namespace", problem: "is not known" },
    ],
    [
      "peers that are none",
      { network: { clients: "nobody" } },
      { path: "network.clients", problem: 'must be "anyone" or a list of peers' },
    ],
    ["something that is no object", [], { path: "", problem: "the file must hold one object" }],
  ])("%s", (_, own, problem) => {
    expect(problemsOf(own)).toEqual([problem]);
  });

  test("with all that is wrong at once", () => {
    const paths = problemsOf({ a: 1, etcd: { b: 2, storage: 3 } }).map(({ path }) => path);
    expect(paths.sort()).toEqual(["a", "etcd.b", "etcd.storage"]);
  });

  test("a profile that is not there", () => {
    expect(problemsOf({}, "staging")).toEqual([
      { path: "profile", problem: "must be dev or prod, not staging" },
    ]);
  });

  test.each([
    ["is not there", "missing.json", undefined, /missing\.json: cannot be read: ENOENT/],
    ["is not JSON", "own.json", "{", /own\.json: is not JSON: /],
    ["exports nothing", "own.ts", "export const a = 1;", /own\.ts: has no default export/],
    ["does not load", "own.ts", "throw new Error('no')", /own\.ts: cannot be loaded: no/],
  ])("a file that %s", async (_, name, text, message) => {
    const path = text === undefined ? join(tmpdir(), name) : file(name, text);
    await expect(loadConfig({ file: path })).rejects.toThrow(message);
    await expect(loadConfig({ file: path })).rejects.toThrow(InvalidConfig);
  });
});
