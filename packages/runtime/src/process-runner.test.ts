import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});

interface Run {
  /** The next line on stdout. */
  line(): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** After the end. */
  end(): Promise<{ code: number | null; stdout: string[]; stderr: Record<string, unknown>[] }>;
}

function run(fixture: string, args: string[] = [], env: Record<string, string> = {}): Run {
  const path = new URL(`../test-fixtures/${fixture}.ts`, import.meta.url).pathname;
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", path, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  const stdout: string[] = [];
  const out = createInterface({ input: child.stdout });
  out.on("line", (line) => stdout.push(line));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = once(child, "close");
  let taken = 0;
  return {
    async line() {
      while (stdout.length <= taken) {
        await Promise.race([once(out, "line"), closed]);
        if (stdout.length <= taken && child.exitCode !== null) throw new Error(`ended: ${stderr}`);
      }
      return stdout[taken++] as string;
    },
    signal: (signal) => void child.kill(signal),
    async end() {
      await closed;
      const lines = stderr.split("\n").filter((line) => line !== "");
      return { code: child.exitCode, stdout, stderr: lines.map((line) => JSON.parse(line)) };
    },
  };
}

const STATIC = { REGISTRY: "static", NODES: "127.0.0.1:50052", OPS_HOST: "127.0.0.1" };

describe("a process in good order", { timeout: 30_000 }, () => {
  test("says on stdout that it is ready, and where, and exits with 0 on SIGTERM", async () => {
    const pod = run("pod", [], { ...STATIC, OPS_PORT: "0" });
    const ready = JSON.parse(await pod.line());
    expect(ready).toEqual({
      msg: "ready",
      service: "pod",
      node_id: "pod-1",
      ports: { ops: expect.any(Number) },
    });
    const response = await fetch(`http://127.0.0.1:${ready.ports.ops}/readyz`);
    expect(response.status).toBe(200);

    pod.signal("SIGTERM");
    const { code, stdout, stderr } = await pod.end();
    expect(code).toBe(0);
    expect(stdout).toHaveLength(1);
    expect(stderr).toMatchObject([
      { level: "info", service: "pod", msg: "started", port: ready.ports.ops },
      { level: "info", service: "pod", msg: "stopped" },
    ]);
  });

  test("with LOG_LEVEL=silent writes the ready line and nothing else", async () => {
    const pod = run("pod", [], { ...STATIC, OPS_PORT: "0", LOG_LEVEL: "silent" });
    expect(JSON.parse(await pod.line())).toMatchObject({ msg: "ready" });
    pod.signal("SIGINT");
    expect(await pod.end()).toMatchObject({ code: 0, stderr: [] });
  });

  test("stops once, and exits with 0 although timers are pending", async () => {
    const child = run("faults", ["none"]);
    expect(await child.line()).toBe("up");
    child.signal("SIGINT");
    expect(await child.end()).toMatchObject({ code: 0, stdout: ["up", "stop"], stderr: [] });
  });

  test("exits with 0 when a signal comes before the service is created", async () => {
    const child = run("faults", ["creates for ever"]);
    await child.line();
    child.signal("SIGTERM");
    expect(await child.end()).toMatchObject({ code: 0, stdout: ["creating"], stderr: [] });
  });

  test("stops a service that is still starting, and exits with 0", async () => {
    const child = run("faults", ["starts for ever"]);
    await child.line();
    child.signal("SIGTERM");
    expect(await child.end()).toMatchObject({ code: 0, stdout: ["starting", "stop"], stderr: [] });
  });

  test("does not blame a start that failed because it was interrupted", async () => {
    const child = run("faults", ["start fails once stopped"]);
    await child.line();
    child.signal("SIGTERM");
    expect(await child.end()).toMatchObject({ code: 0, stdout: ["starting", "stop"], stderr: [] });
  });
});

describe("a process that fails", { timeout: 30_000 }, () => {
  test("names every invalid setting in one line and exits with 78", async () => {
    const pod = run("pod", [], { OPS_PORT: "http", LOG_BYTES: "64MiB" });
    expect(await pod.end()).toEqual({
      code: 78,
      stdout: [],
      stderr: [
        {
          msg: "invalid settings",
          errors: [
            { setting: "LOG_BYTES", problem: expect.stringContaining("64MiB") },
            { setting: "OPS_PORT", problem: expect.stringContaining("http") },
            { setting: "ETCD_ENDPOINTS", problem: "is required with REGISTRY=etcd" },
          ],
        },
      ],
    });
  });

  test("names the setting and the port that is taken and exits with 1", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const pod = run("pod", [], { ...STATIC, OPS_PORT: String(port) });
    expect(await pod.end()).toEqual({
      code: 1,
      stdout: [],
      stderr: [
        { msg: "cannot listen", setting: "OPS_PORT", port, problem: "address already in use" },
      ],
    });
    taken.close();
  });

  test.each([
    ["cannot be created", "cannot start"],
    ["cannot start", "cannot start"],
    ["throws", "uncaught exception"],
    ["rejects unheard", "unhandled rejection"],
  ])("logs why and exits with 1 when it %s", async (fault, msg) => {
    expect(await run("faults", [fault]).end()).toMatchObject({
      code: 1,
      stdout: [],
      stderr: [{ level: "fatal", msg, err: { type: "Error", message: "no luck" } }],
    });
  });

  test("exits with 1 at a second signal", async () => {
    const child = run("faults", ["stops for ever"]);
    await child.line();
    child.signal("SIGTERM");
    expect(await child.line()).toBe("stop");
    child.signal("SIGTERM");
    expect(await child.end()).toMatchObject({
      code: 1,
      stdout: ["up", "stop"],
      stderr: [{ msg: "second signal", signal: "SIGTERM" }],
    });
  });

  test("takes two interrupts of one key press for one, and exits with 0", async () => {
    const child = run("faults", ["is interrupted twice by one key press"]);
    await child.line();
    child.signal("SIGINT");
    expect(await child.end()).toMatchObject({ code: 0, stderr: [] });
  });

  test("exits with 1 when the stop takes longer than its limit", async () => {
    const child = run("faults", ["stops for longer than its limit"]);
    await child.line();
    child.signal("SIGTERM");
    expect(await child.end()).toMatchObject({
      code: 1,
      stderr: [{ msg: "stop limit is over", stopLimitMs: 10 }],
    });
  });

  test("exits with 1 when it cannot stop", async () => {
    const child = run("faults", ["cannot stop"]);
    await child.line();
    child.signal("SIGTERM");
    expect(await child.end()).toMatchObject({
      code: 1,
      stderr: [{ level: "fatal", msg: "cannot stop", err: { message: "no luck" } }],
    });
  });
});
