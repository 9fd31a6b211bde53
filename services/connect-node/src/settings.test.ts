import { readSettings } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
import { nodeChecks, nodeSettings } from "./settings.ts";

const read = (env: Record<string, string>) => readSettings(nodeSettings, env, nodeChecks);
const problems = (env: Record<string, string>) => {
  const result = read(env);
  return result.ok ? [] : result.errors;
};
const VALID = { AUTH_MODE: "none", REGISTRY: "memory" };

describe("the settings of a connect-node", () => {
  test("have the defaults of the contract", () => {
    const result = read({ AUTH_MODE: "none", ETCD_ENDPOINTS: "http://etcd:2379" });
    expect(result.ok && result.settings).toMatchObject({
      WS_PORT: 8080,
      WS_HOST: "0.0.0.0",
      GRPC_PORT: 50052,
      GRPC_HOST: "0.0.0.0",
      OPS_PORT: 9100,
      OPS_HOST: "0.0.0.0",
      REGISTRY: "etcd",
      REGISTRATION_TTL_S: 10,
      REATTACH_SECONDS: 10,
      WARM_SECONDS: 10,
      LOG_BYTES: 67_108_864,
      LOG_SECONDS: 300,
      SESSION_BUFFER_BYTES: 65_536,
      LAG_SECONDS: 30,
      MAX_CONTENT_BYTES: 262_144,
      MAX_FRAME_BYTES: 65_536,
      MAX_SESSIONS: 50_000,
      MAX_ROOMS_PER_SESSION: 1_000,
      HEARTBEAT_MS: 25_000,
      FLUSH_WINDOW_MS: 0,
      DRAIN_ACCEPT_SECONDS: 5,
      DRAIN_SECONDS: 60,
      ZONE: "",
      LOG_LEVEL: "info",
      POD_NAME: undefined,
      POD_IP: undefined,
      OPS_TOKEN: undefined,
    });
    expect(nodeSettings.AUTH_MODE.default).toBe("jwt");
  });

  test.each([
    [{}, /needs one of JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE and JWT_JWKS_URL/],
    [{ JWT_SECRET_FILE: "/a", JWT_JWKS_URL: "https://b/" }, /takes only one of/],
    [{ AUTH_MODE: "none", NODE_ENV: "production" }, /i-know-that-anybody-can-be-anybody/],
  ])("refuse to start with %j, and say why", (env, problem) => {
    expect(problems({ REGISTRY: "memory", ...env })).toEqual([
      { setting: "AUTH_MODE", problem: expect.stringMatching(problem) },
    ]);
  });

  test("name every problem at once", () => {
    expect(
      problems({ MAX_SESSIONS: "0", POD_NAME: "-x", POD_IP: "host", HEARTBEAT_MS: "1" }).map(
        ({ setting }) => setting,
      ),
    ).toEqual([
      "POD_NAME",
      "POD_IP",
      "MAX_SESSIONS",
      "HEARTBEAT_MS",
      "ETCD_ENDPOINTS",
      "AUTH_MODE",
    ]);
  });

  test.each([
    { POD_NAME: "pushcast-node-0" },
    { POD_IP: "10.1.2.3" },
    { POD_IP: "fd00::12" },
    { LAG_SECONDS: "0.5" },
    { AUTH_MODE: "jwt", JWT_SECRET_FILE: "/run/secrets/jwt" },
    { AUTH_MODE: "", JWT_JWKS_URL: "https://issuer.test/.well-known/jwks.json" },
    { NODE_ENV: "production", AUTH_NONE_IN_PRODUCTION: "i-know-that-anybody-can-be-anybody" },
    { ALLOWED_ORIGINS: "https://app.test, http://localhost:8080,capacitor://localhost" },
    { FLUSH_WINDOW_MS: "25" },
  ])("take %j", (env) => {
    expect(problems({ ...VALID, ...env })).toEqual([]);
  });

  test.each([
    "https://app.test/",
    "app.test",
    "https://app.test:443",
    "https://APP.test",
    "*",
    "null",
  ])("do not take %s for an origin", (origin) => {
    expect(problems({ ...VALID, ALLOWED_ORIGINS: origin })).toMatchObject([
      { setting: "ALLOWED_ORIGINS" },
    ]);
  });

  test("have a doc line and a description each", () => {
    for (const [name, { doc, accepts }] of Object.entries(nodeSettings)) {
      expect(doc, name).toMatch(/\.$/);
      expect(accepts, name).not.toBe("");
    }
  });

  test("refuse a FRAME_BURST that a client's first joins would go beyond", () => {
    expect(problems({ ...VALID, MAX_ROOMS_PER_SESSION: "3000" })).toEqual([
      { setting: "FRAME_BURST", problem: expect.stringContaining("MAX_ROOMS_PER_SESSION, 3000") },
    ]);
    expect(problems({ ...VALID, MAX_ROOMS_PER_SESSION: "3000", FRAME_BURST: "3000" })).toEqual([]);
  });
});
