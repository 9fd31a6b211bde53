import { InvalidSettings } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { DEV_PORTS } from "./ports.ts";
import { readDevSettings } from "./settings.ts";

test("everything is on loopback, at the usual ports, with nodes in memory", () => {
  const { manager, nodes } = readDevSettings({}, DEV_PORTS);
  expect(manager).toMatchObject({
    REGISTRY: "memory",
    GRPC_HOST: "127.0.0.1",
    GRPC_PORT: 50051,
    OPS_HOST: "127.0.0.1",
    OPS_PORT: 9100,
    CONSOLE: "on",
    LOG_LEVEL: "warn",
  });
  const common = { REGISTRY: "memory", AUTH_MODE: "none", POD_IP: "127.0.0.1", LOG_LEVEL: "warn" };
  const hosts = { WS_HOST: "127.0.0.1", GRPC_HOST: "127.0.0.1", OPS_HOST: "127.0.0.1" };
  expect(nodes).toMatchObject([
    { ...common, ...hosts, POD_NAME: "node-1", WS_PORT: 8080, GRPC_PORT: 50052, OPS_PORT: 9101 },
    { ...common, ...hosts, POD_NAME: "node-2", WS_PORT: 8081, GRPC_PORT: 50053, OPS_PORT: 9102 },
  ]);
});

test("the environment cannot open it to others, nor move it", () => {
  const env = {
    WS_HOST: "0.0.0.0",
    GRPC_HOST: "0.0.0.0",
    OPS_HOST: "0.0.0.0",
    POD_IP: "192.168.1.7",
    POD_NAME: "pod-7",
    WS_PORT: "1",
    GRPC_PORT: "2",
    OPS_PORT: "3",
    AUTH_MODE: "jwt",
    PUSH_AUTH: "token",
    PUSH_TOKENS_FILE: "callers.yaml",
    GRPC_TLS_CERT_FILE: "tls.crt",
    GRPC_TLS_KEY_FILE: "tls.key",
    GRPC_TLS_CA_FILE: "ca.crt",
    REGISTRY: "static",
    DRAIN_ACCEPT_SECONDS: "60",
  };
  const { notHeeded, ...settings } = readDevSettings(env, DEV_PORTS);
  expect({ ...settings, notHeeded: [] }).toEqual(readDevSettings({}, DEV_PORTS));
  expect(notHeeded).toEqual(Object.keys(env).sort());
});

test("settings of tokens and of REGISTRY=static say nothing here, and are named", () => {
  const env = {
    JWT_SECRET_FILE: "secret",
    JWT_AUDIENCE: "push",
    NODES: "a:1",
    ZONE: "a",
    HOME: "/",
  };
  expect(readDevSettings(env, DEV_PORTS).notHeeded).toEqual([
    "JWT_AUDIENCE",
    "JWT_SECRET_FILE",
    "NODES",
  ]);
});

test("what is given as it is here anyway, or as nothing, is not named", () => {
  const env = { AUTH_MODE: "none", WS_HOST: "127.0.0.1", POD_NAME: " ", LOG_LEVEL: "debug" };
  expect(readDevSettings(env, DEV_PORTS).notHeeded).toEqual([]);
});

test("other settings of the environment hold for every part", () => {
  const env = { LOG_LEVEL: "debug", LOG_BYTES: "1000000", MAX_CONTENT_BYTES: "1000" };
  const { manager, nodes } = readDevSettings(env, DEV_PORTS);
  for (const settings of [manager, ...nodes]) {
    expect(settings).toMatchObject({
      LOG_LEVEL: "debug",
      LOG_BYTES: 1_000_000,
      MAX_CONTENT_BYTES: 1000,
    });
  }
});

test("nodes have as many sessions as a laptop's limit of files allows, or as are asked for", () => {
  const sessionsWith = (env: Readonly<Record<string, string>>) =>
    readDevSettings(env, DEV_PORTS).nodes.map((node) => [
      node.MAX_SESSIONS,
      node.MAX_PENDING_CONNECTIONS,
    ]);
  expect(sessionsWith({})).toEqual([
    [5_000, 1_000],
    [5_000, 1_000],
  ]);
  const asked = { MAX_SESSIONS: "50000", MAX_PENDING_CONNECTIONS: "5000" };
  expect(sessionsWith(asked)[0]).toEqual([50_000, 5_000]);
});

test("with ETCD_ENDPOINTS the nodes are found there", () => {
  const { manager, nodes } = readDevSettings({ ETCD_ENDPOINTS: "http://etcd:2379" }, DEV_PORTS);
  for (const settings of [manager, ...nodes]) {
    expect(settings).toMatchObject({ REGISTRY: "etcd", ETCD_ENDPOINTS: ["http://etcd:2379"] });
  }
  expect(readDevSettings({ ETCD_ENDPOINTS: " " }, DEV_PORTS).manager.REGISTRY).toBe("memory");
});

test("a bad setting is refused by name", () => {
  const error = (() => {
    try {
      return readDevSettings({ LOG_BYTES: "many" }, DEV_PORTS);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(InvalidSettings);
  expect((error as InvalidSettings).errors.map(({ setting }) => setting)).toEqual(["LOG_BYTES"]);
});
