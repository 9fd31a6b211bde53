import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createDevSystem, FREE_PORTS } from "@pushcast/cli";
import { describe, expect, test } from "vitest";
import { startEtcd } from "../support/etcd.ts";
import { MAIN } from "./dev-process.ts";

function pushcast(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, stdout, stderr };
}

describe("the command", () => {
  test("tells on --help how it is used, and ends with 0", () => {
    const { status, stdout, stderr } = pushcast(["--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("Usage: pushcast <command>");
    expect(pushcast(["dev", "--help"]).stdout).toContain("Usage: pushcast dev");
  });

  test("refuses an unknown command and an unknown option on stderr, and ends with 64", () => {
    const unknown = pushcast(["serve"]);
    expect(unknown).toMatchObject({ status: 64, stdout: "" });
    expect(unknown.stderr).toBe(
      "pushcast: unknown command serve\n  pushcast --help lists the commands.\n",
    );
    const option = pushcast(["dev", "--port=1"]);
    expect(option).toMatchObject({ status: 64, stdout: "" });
    expect(option.stderr).toContain("pushcast help dev");
  });

  test("names every bad setting, and ends with 78", () => {
    const bad = pushcast(["dev", "--free-ports"], { LOG_BYTES: "many", LOG_LEVEL: "loud" });
    expect(bad).toMatchObject({ status: 78, stdout: "" });
    expect(bad.stderr).toMatch(/^pushcast: invalid settings in the environment\n/);
    expect(bad.stderr).toMatch(/^ {2}LOG_BYTES must be .*"many"$/m);
    expect(bad.stderr).toMatch(/^ {2}LOG_LEVEL must be .*"loud"$/m);
  });
});

describe("a system for development", () => {
  test("says which part cannot listen where, if a port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const taken = typeof address === "object" ? (address?.port ?? 0) : 0;
    const [first, second] = FREE_PORTS.nodes;
    const system = createDevSystem({
      env: { LOG_LEVEL: "silent" },
      ports: {
        ...FREE_PORTS,
        nodes: [
          { ws: 0, grpc: 0, ops: 0, ...first },
          { ...second, ws: taken, grpc: 0, ops: 0 },
        ],
      },
    });
    try {
      await expect(system.start()).rejects.toMatchObject({
        part: "node-2",
        cause: { setting: "WS_PORT", port: taken, problem: "address already in use" },
      });
    } finally {
      await system.stop();
      other.close();
    }
  });

  test("finds its nodes in etcd where one is named", async () => {
    const etcd = await startEtcd();
    const system = createDevSystem({
      env: { LOG_LEVEL: "silent", ETCD_ENDPOINTS: etcd.endpoint },
      ports: FREE_PORTS,
    });
    try {
      const ready = await system.start();
      expect(ready).toMatchObject({ linked: true, etcdEndpoints: [etcd.endpoint] });
      const pushed = await fetch(new URL("/push?all", ready.pageUrl), {
        method: "POST",
        body: "Hi",
      });
      expect(await pushed.json()).toMatchObject({ report: { nodes_total: 2, nodes_acked: 2 } });
    } finally {
      await system.stop();
      await etcd.close();
    }
  });
});
