import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect } from "vitest";
import { handshake } from "../support/handshake.ts";
import type { ServiceName, Settings } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { within } from "../support/until.ts";

interface InvalidSettings {
  readonly msg: string;
  readonly errors: readonly { readonly setting: string; readonly problem: string }[];
}

describe.concurrent("a process that cannot start", { timeout: 60_000 }, () => {
  it.for<{ name: ServiceName; settings: Settings; wrong: string[] }>([
    {
      name: "push-manager",
      settings: { LOG_BYTES: "many", OPS_PORT: 70_000, ACK_TIMEOUT_MS: -1 },
      wrong: ["ACK_TIMEOUT_MS", "ETCD_ENDPOINTS", "LOG_BYTES", "OPS_PORT"],
    },
    {
      name: "connect-node",
      settings: { LOG_BYTES: 0, WS_PORT: "8o80", DRAIN_SECONDS: -1, POD_IP: "nowhere at all" },
      wrong: ["DRAIN_SECONDS", "ETCD_ENDPOINTS", "LOG_BYTES", "POD_IP", "WS_PORT"],
    },
    { name: "push-manager", settings: { REGISTRY: "static" }, wrong: ["NODES"] },
    { name: "connect-node", settings: { REGISTRY: "static" }, wrong: ["NODES"] },
    { name: "push-manager", settings: { REGISTRY: "zookeeper" }, wrong: ["REGISTRY"] },
    {
      name: "connect-node",
      settings: { REGISTRY: "memory", AUTH_MODE: undefined },
      wrong: ["AUTH_MODE"],
    },
    {
      name: "connect-node",
      settings: { REGISTRY: "memory", AUTH_MODE: "jwt" },
      wrong: ["AUTH_MODE"],
    },
  ])(
    "says all that is wrong in one line: $name, $wrong",
    async ({ name, settings, wrong }, { stage }) => {
      const { code, stdout, stderr } = await end(stage, name, settings);
      expect(code).toBe(78);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^[^\n]+\n$/);
      const { msg, errors } = JSON.parse(stderr) as InvalidSettings;
      expect(msg).toBe("invalid settings");
      expect(errors.map(({ setting }) => setting).sort()).toEqual(wrong);
      for (const { problem } of errors) expect(problem).not.toBe("");
    },
  );

  it.for<{ name: ServiceName; setting: string }>([
    { name: "push-manager", setting: "GRPC_PORT" },
    { name: "push-manager", setting: "OPS_PORT" },
    { name: "connect-node", setting: "WS_PORT" },
    { name: "connect-node", setting: "GRPC_PORT" },
    { name: "connect-node", setting: "OPS_PORT" },
  ])(
    "names the setting and the port that is taken: $name, $setting",
    async ({ name, setting }, { stage }) => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const { port } = taken.address() as AddressInfo;
      const settings = { REGISTRY: "memory", [setting]: port };
      const { code, stdout, stderr } = await end(stage, name, settings);
      taken.close();
      expect(code).toBe(1);
      expect(stdout).toBe("");
      expect(JSON.parse(stderr)).toMatchObject({ setting, port });
    },
  );

  it("waits for an etcd that is not there yet, and is not ready meanwhile", async ({ stage }) => {
    const etcd = await stage.etcd();
    await etcd.stop();
    const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
    const [manager, node] = await Promise.all([stage.manager(found), stage.node(found)]);
    for (const { opsUrl } of [manager, node]) {
      expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
      expect((await fetch(`${opsUrl}/readyz`)).status).toBe(503);
    }
    expect((await handshake(Number(new URL(node.wsUrl).port))).status).toBe(503);
    await etcd.start();
    await stage.publisher(manager).untilLinked([node.nodeId]);
    for (const { opsUrl } of [manager, node]) {
      expect((await fetch(`${opsUrl}/readyz`)).status).toBe(200);
    }
    await stage.client(node, { userId: "ann" });
  });
});

/** Sends itself SIGTERM as soon as that is heeded, and says how many modules are loaded by then. */
const STOPPED_FROM_WITHIN = `
  import Module from "node:module";
  process.on("newListener", (event) => {
    if (event !== "SIGTERM") return;
    console.log(Object.keys(Module._cache).length);
    queueMicrotask(() => process.kill(process.pid, "SIGTERM"));
  });
`;

it.for<ServiceName>(["push-manager", "connect-node"])(
  "heeds a SIGTERM before it has loaded what it needs, and exits with 0: %s",
  async (name, { stage }) => {
    const preloaded = `data:text/javascript,${encodeURIComponent(STOPPED_FROM_WITHIN)}`;
    const settings = { NODE_OPTIONS: `--import=${preloaded}`, REGISTRY: "memory" };
    expect(await end(stage, name, settings)).toEqual({
      code: 0,
      signal: null,
      stdout: "0\n",
      stderr: "",
    });
  },
);

async function end(stage: Stage, name: ServiceName, settings: Settings) {
  const process = stage.process(name, settings);
  return await within(20_000, `end of ${name}`, process.exited);
}
