import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { bundleService, SERVICES } from "../../infra/images/src/bundle.ts";
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
  for (const service of SERVICES) await bundleService(service, folderOf(service));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function folderOf(service: string): string {
  return join(root, "services", service, "dist");
}

describe.each(SERVICES)("the bundle of %s", (service) => {
  it("names the settings that are wrong, and ends with 78", async ({ stage }) => {
    const settings = { GRPC_PORT: "many", REGISTRY: "memory" };
    const { code, stdout, stderr } = await stage.process(service, settings, root).exited;
    expect(code).toBe(78);
    expect(stdout).toBe("");
    const [error] = JSON.parse(stderr).errors;
    expect(error).toMatchObject({ setting: "GRPC_PORT", problem: expect.stringMatching(/^must/) });
  });

  it("heeds a SIGTERM before it has loaded what it needs, and ends with 0", async ({ stage }) => {
    const preloaded = `data:text/javascript,${encodeURIComponent(STOPPED_FROM_WITHIN)}`;
    const settings = { NODE_OPTIONS: `--import=${preloaded}`, REGISTRY: "memory" };
    const exit = await stage.process(service, settings, root).exited;
    expect(exit).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    // All that it has loaded by then.
    const main = readFileSync(join(folderOf(service), "main.js"), "utf8");
    const chunks = Array.from(main.matchAll(/from "(\.\/[^"]+)"/g), ([, chunk = ""]) => chunk);
    const sizes = chunks.map((chunk) => statSync(join(folderOf(service), chunk)).size);
    expect(sizes.reduce((sum, size) => sum + size, main.length)).toBeLessThan(50_000);
  });

  it("has the licence and the version of each package in it, for scanners", () => {
    const packages = ["node_modules/@grpc/grpc-js", "node_modules/etcd3", "node_modules/pino"];
    for (const place of packages) {
      const folder = join(folderOf(service), place);
      const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
      expect(existsSync(join(folder, "LICENSE")), place).toBe(true);
    }
    expect(existsSync(join(folderOf(service), "LICENSE"))).toBe(true);
  });
});

it("bundles serve together, with an etcd, and answer reflection", async ({ stage }) => {
  const etcd = await stage.etcd();
  const settings = { ETCD_ENDPOINTS: etcd.endpoint };
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
});
