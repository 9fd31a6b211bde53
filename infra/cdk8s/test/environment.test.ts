import { nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { expect, test } from "vitest";
import { environment, fromField } from "../src/lib/environment.ts";

const endpoints = {
  ETCD_ENDPOINTS: "http://etcd:2379",
  JWT_PUBLIC_KEY_FILE: "/etc/pushcast/jwt-public-key",
} as const;

test("variables stand in the order in which they are given, without those that are undefined", () => {
  const { variables } = environment("connectNode", nodeSettings, nodeChecks, {
    POD_IP: fromField("status.podIP"),
    ZONE: undefined,
    MAX_SESSIONS: 100,
    ...endpoints,
  });

  expect(variables).toEqual([
    { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    { name: "MAX_SESSIONS", value: "100" },
    { name: "ETCD_ENDPOINTS", value: "http://etcd:2379" },
    { name: "JWT_PUBLIC_KEY_FILE", value: "/etc/pushcast/jwt-public-key" },
  ]);
});

test("settings are as the service reads them, with its defaults", () => {
  const { settings } = environment("connectNode", nodeSettings, nodeChecks, {
    DRAIN_SECONDS: "7.5",
    ...endpoints,
  });

  expect(settings.DRAIN_SECONDS).toBe(7.5);
  expect(settings.DRAIN_ACCEPT_SECONDS).toBe(5);
});

test("a name that the service does not know does not compile", () => {
  environment("connectNode", nodeSettings, nodeChecks, {
    // @ts-expect-error It is MAX_SESSIONS.
    MAX_SESSION: 100,
    ...endpoints,
  });
});

test("values are judged as the service would where its image runs it: in production", () => {
  const believing = { ...endpoints, JWT_PUBLIC_KEY_FILE: undefined, AUTH_MODE: "none" };
  expect(() => environment("connectNode", nodeSettings, nodeChecks, believing)).toThrow(
    "connectNode.settings.AUTH_MODE: none lets anybody be anybody",
  );
});

test("values are judged as the service would", () => {
  const start = () =>
    environment("connectNode", nodeSettings, nodeChecks, { ...endpoints, DRAIN_SECONDS: "soon" });

  expect(start).toThrow(
    'connectNode.settings.DRAIN_SECONDS: must be a number of seconds from 0 to 3600, not "soon"',
  );
});
