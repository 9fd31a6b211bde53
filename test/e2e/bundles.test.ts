import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleProgram, PROGRAMS, type ProgramName } from "../../infra/images/src/bundle.ts";
import { startOtlpCollector } from "../support/otlp-collector.ts";
import { listServices } from "../support/reflection.ts";
import { it } from "../support/stage.ts";

/** Sends itself SIGTERM as soon as that is heeded. */
const STOPPED_FROM_WITHIN = `process.on("newListener", (event) => {
  if (event === "SIGTERM") queueMicrotask(() => process.kill(process.pid, "SIGTERM"));
});`;

/** Bundles where a build has its services, and far from any node_modules. */
let root: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "pushcast-bundles-"));
  for (const program of PROGRAMS) await bundleProgram(program, folderOf(program));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function folderOf(program: ProgramName): string {
  return join(root, "services", program, "dist");
}

/** Runs a bundle to its end, with nothing but these variables. */
function run(program: ProgramName, env: Readonly<Record<string, string>>) {
  const main = join(folderOf(program), "main.js");
  const options = { encoding: "utf8", env, timeout: 20_000 } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [main], options);
  return { code: status, signal, stdout, stderr };
}

/** A package that each has taken along, beside those of the runtime. */
const OWN_PACKAGE: Readonly<Record<ProgramName, string>> = {
  "push-manager": "etcd3",
  "connect-node": "etcd3",
  "deletion-cost": "@kubernetes/client-node",
};

it("the bundle of push-manager serves the console, with the plots' package and its licence", async ({
  stage,
}) => {
  const settings = { REGISTRY: "static", NODES: "127.0.0.1:1", CONSOLE: "on" };
  const manager = await stage.manager({ ...settings, OPS_HOST: "127.0.0.1" }, root);
  const page = await fetch(`${manager.opsUrl}/console`);
  expect(page.status).toBe(200);
  const modules = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, path]) => path,
  );
  expect(modules).toContain("/console/main.js");
  for (const path of [...modules, "/console/uplot.js"]) {
    expect((await fetch(`${manager.opsUrl}${path}`)).status, path).toBe(200);
  }
  expect(existsSync(join(folderOf("push-manager"), "node_modules/uplot/LICENSE"))).toBe(true);
});

describe.each(PROGRAMS)("the bundle of %s", (program) => {
  test("names the settings that are wrong, and ends with 78", () => {
    const { code, stdout, stderr } = run(program, { OPS_PORT: "many" });
    expect(code).toBe(78);
    expect(stdout).toBe("");
    const problem = expect.stringMatching(/^must/);
    expect(JSON.parse(stderr).errors).toContainEqual({ setting: "OPS_PORT", problem });
  });

  test("heeds a SIGTERM before it has loaded what it needs, and ends with 0", () => {
    const preloaded = `data:text/javascript,${encodeURIComponent(STOPPED_FROM_WITHIN)}`;
    const exit = run(program, { NODE_OPTIONS: `--import=${preloaded}` });
    expect(exit).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    // All that it has loaded by then.
    const main = readFileSync(join(folderOf(program), "main.js"), "utf8");
    const chunks = Array.from(main.matchAll(/from "(\.\/[^"]+)"/g), ([, chunk = ""]) => chunk);
    const sizes = chunks.map((chunk) => statSync(join(folderOf(program), chunk)).size);
    expect(sizes.reduce((sum, size) => sum + size, main.length)).toBeLessThan(50_000);
  });

  test("has the licence and the version of each package in it, for scanners", () => {
    for (const name of ["@grpc/grpc-js", "pino", OWN_PACKAGE[program]]) {
      const folder = join(folderOf(program), "node_modules", name);
      const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
      expect(existsSync(join(folder, "LICENSE")), name).toBe(true);
    }
    expect(existsSync(join(folderOf(program), "LICENSE"))).toBe(true);
  });
});

it("bundles serve together, with an etcd, answer reflection, and export traces", async ({
  stage,
}) => {
  const etcd = await stage.etcd();
  const collector = await startOtlpCollector();
  stage.atEnd(() => collector.close());
  const settings = {
    ETCD_ENDPOINTS: etcd.endpoint,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_TRACES_SAMPLER_ARG: 1,
  };
  const manager = await stage.manager(settings, root);
  const node = await stage.node(settings, root);
  const publisher = stage.publisher(manager);
  await publisher.untilLinked([node.nodeId]);
  const client = await stage.client(node, { userId: "ann" });
  await client.join("room");

  const { report } = await publisher.pushToRoom({ roomId: "room", content: "hello" });
  expect(report).toMatchObject({ nodesAcked: 1, sessionsDelivered: 1 });
  await client.message("hello");
  expect(await listServices(manager.grpcAddress)).toContain("pushcast.v1.PushManagerService");
  expect(await listServices(node.grpcAddress)).toContain("pushcast.v1.ConnectNodeService");

  expect(await node.process.stop()).toBe(0);
  expect(await manager.process.stop()).toBe(0);
  const services = new Set(collector.spans.map(({ service }) => service));
  expect(services).toEqual(new Set(["push-manager", "connect-node"]));
});
