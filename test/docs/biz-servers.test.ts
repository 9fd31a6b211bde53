import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials, type MethodDefinition } from "@grpc/grpc-js";
import * as api from "@pushcast/api";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { ROOT, repositoryFiles } from "../repository/files.ts";
import { tlsSettings } from "../support/certificates.ts";
import type { RunningManager, RunningNode } from "../support/processes.ts";
import { listServices } from "../support/reflection.ts";
import { Stage } from "../support/stage.ts";
import type { TestClient } from "../support/ws-client.ts";
import { blockOf, blocksOf, readPage, withReplaced } from "./pages.ts";

const PAGE = "docs/biz-servers.md";
const ADDRESS = "localhost:50051";

/** The one block of TypeScript with this in it. */
function blockWith(text: string): string {
  const [block, ...others] = blocksOf(PAGE).filter(
    ({ language, code }) => language === "ts" && code.includes(text),
  );
  if (block === undefined || others.length > 0) throw new Error(`not one block has ${text}`);
  return block.code;
}

/** Imports a block as a module of this repository. */
async function load(code: string): Promise<Record<string, unknown>> {
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/biz-servers-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "push.ts");
  writeFileSync(file, code);
  return await import(file);
}

/** Runs a block; what it has printed. */
async function run(code: string): Promise<unknown[][]> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  await load(code);
  return log.mock.calls;
}

describe("docs/biz-servers.md", { timeout: 60_000 }, () => {
  const stage = new Stage();
  let node: RunningNode;
  let managers: [RunningManager, RunningManager];

  beforeAll(async () => {
    node = await stage.node({ REGISTRY: "memory" });
    const start = async () => {
      const manager = await stage.manager({ REGISTRY: "static", NODES: node.grpcAddress });
      await stage.publisher(manager).untilLinked([node.nodeId]);
      return manager;
    };
    managers = await Promise.all([start(), start()]);
  }, 60_000);

  afterAll(() => stage.close());

  async function ann(...rooms: string[]): Promise<TestClient> {
    const client = await stage.client(node, { userId: "ann" });
    if (rooms.length > 0) await client.joinAll(rooms);
    return client;
  }

  const at = (code: string) => withReplaced(code, { [ADDRESS]: managers[0].grpcAddress });

  test("the first push reaches who is in the room", async () => {
    const client = await ann("room-001");
    const printed = await run(at(blockWith("messageId, report.sessionsDelivered);\n\nawait")));

    await client.message("hello");
    expect(printed).toEqual([[expect.stringMatching(/^[0-9a-f]{16}-\d+$/), 1]]);
    await client.close();
  });

  test("each call does what the table says", async () => {
    const client = await ann();
    const printed = await run(at(blockWith("joinRoom")));

    expect(await client.closed).toMatchObject({ code: 4410, reason: "logged out" });
    expect(client.frames.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["joined", "left"]),
    );
    const got = client.messages.map(({ target, contentType }) => [target, contentType]);
    expect(got).toEqual([
      ["room", "application/json"],
      ["user", "text/plain"],
      ["all", "text/plain"],
      ["room", "application/octet-stream"],
    ]);
    expect(printed).toEqual([[1, "for certain"], [["room-001"]], [[`${node.nodeId}: live`]]]);
  });

  test("a push with a key of one's own is delivered once, by whichever push-manager", async () => {
    const client = await ann("kitchen");
    const addresses = {
      [ADDRESS]: managers[0].grpcAddress,
      "localhost:50061": managers[1].grpcAddress,
    };
    const code = withReplaced(blockWith("order-4711"), addresses);
    // As if a node had failed.
    await run(withReplaced(code, { "failures.length > 0": "failures.length === 0" }));
    await run(code);

    await stage.publisher(managers[0]).pushToRoom({ roomId: "kitchen", content: "end" });
    await client.message("end");
    expect(client.texts).toEqual(["two coffees", "end"]);
    await client.close();
  });

  test("a stream keeps the order", async () => {
    const client = await ann("talk");
    const printed = await run(at(blockWith("captions.ready")));

    await client.count(3);
    expect(client.texts).toEqual(["one", "two", "three"]);
    expect(printed.map(([, sessions]) => sessions)).toEqual([1, 1, 1]);
    await client.close();
  });

  test("an error says its code and its reason", async () => {
    const printed = await run(at(blockWith("instanceof PushError")));

    expect(printed).toEqual([["INVALID_ARGUMENT", "ROOM_INVALID", expect.any(String)]]);
  });

  test("a token is shown over TLS", async () => {
    const ca = await stage.ca();
    const token = "shop-token-0123456789";
    const tokenFile = join(ca.folder, "push-token");
    writeFileSync(tokenFile, `${token}\n`);
    const callers = [{ name: "shop", token, rpcs: ["PushToRoom"], rooms: ["shop:*"] }];
    const callersFile = join(ca.folder, "callers.json");
    writeFileSync(callersFile, JSON.stringify({ callers }));
    const certificate = await ca.issue({ dnsNames: ["push-manager", "connect-node"] });
    const secured = await stage.node({ REGISTRY: "memory", ...tlsSettings(certificate) });
    const manager = await stage.manager({
      REGISTRY: "static",
      NODES: secured.grpcAddress,
      PUSH_AUTH: "token",
      PUSH_TOKENS_FILE: callersFile,
      ...tlsSettings(certificate),
    });
    await run(
      withReplaced(blockWith("push-token"), {
        "dns:///push-manager-headless.pushcast.svc:50051": manager.grpcAddress,
        "ca.crt": certificate.ca,
        '"push-token"': JSON.stringify(tokenFile),
      }),
    );

    const pushes = (await manager.metrics()).value("push_manager_pushes_total", {
      api: "PushToRoom",
      code: "OK",
    });
    expect(pushes).toBe(1);
  });

  test.each([
    { alg: "HS256", keyFile: "secret", setting: "JWT_SECRET_FILE", verified: "secret" },
    {
      alg: "ES256",
      keyFile: "issuer.pem",
      setting: "JWT_PUBLIC_KEY_FILE",
      verified: "issuer.pub.pem",
    },
  ])(
    "a node lets in who has a token that is made with $alg",
    async ({ alg, keyFile, setting, verified }) => {
      const { folder } = await stage.ca();
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const files = {
        secret: `${randomBytes(32).toString("hex")}\n`,
        "issuer.pem": pair.privateKey.export({ type: "sec1", format: "pem" }),
        "issuer.pub.pem": pair.publicKey.export({ type: "spki", format: "pem" }),
      };
      for (const [name, content] of Object.entries(files))
        writeFileSync(join(folder, name), content);
      const guarded = await stage.node({
        REGISTRY: "memory",
        AUTH_MODE: "jwt",
        JWT_ISSUER: "https://shop.example.com",
        JWT_AUDIENCE: "push",
        [setting]: join(folder, verified),
      });

      const code = withReplaced(blockWith(`alg: "${alg}"`), {
        [`"${keyFile}"`]: JSON.stringify(join(folder, keyFile)),
      });
      const { clientToken } = (await load(code)) as {
        clientToken(userId: string): Promise<string>;
      };
      const client = await stage.client(guarded, {
        userId: "ann",
        token: await clientToken("ann"),
      });
      await client.join("shop:1");

      expect(client.frames).toContainEqual(
        expect.objectContaining({ type: "joined", room: "shop:news" }),
      );
      await client.close();
    },
  );

  test("grpcurl's calls are calls that a push-manager takes, and finds by reflection", async () => {
    const lines = blockOf(PAGE, "grpcurl").code.trim().split("\n");
    const services = await listServices(managers[0].grpcAddress);
    const client = new Client(managers[0].grpcAddress, credentials.createInsecure());
    onTestFinished(() => client.close());
    const called: string[] = [];
    for (const line of lines) {
      const pattern = /^grpcurl -plaintext -d '(.+)' localhost:50051 ([\w.]+)\/(\w+)$/;
      const [, json = "", service = "", rpc = ""] = pattern.exec(line) ?? [];
      expect(services, line).toContain(service);
      await answer(client, rpc, requestOf(rpc, JSON.parse(json)));
      called.push(rpc);
    }
    const rpcs = Object.values(api.PushManagerServiceService).map(({ path }) => path.split("/")[2]);
    expect(called.sort()).toEqual(rpcs.sort());
  });
});

interface RequestType {
  fromJSON(json: unknown): unknown;
  toJSON(request: unknown): unknown;
}

/** The request that the JSON stands for, which must have no field beside those of the proto. */
function requestOf(rpc: string, json: object): unknown {
  const type = (api as unknown as Record<string, RequestType>)[`${rpc}Request`];
  const request = type?.fromJSON(json);
  expect(type?.toJSON(request)).toEqual(json);
  return request;
}

async function answer(client: Client, rpc: string, request: unknown): Promise<void> {
  const methods = Object.values(api.PushManagerServiceService) as unknown as MethodDefinition<
    unknown,
    unknown
  >[];
  const method = methods.find(({ path }) => path.endsWith(`/${rpc}`));
  if (method === undefined) throw new Error(`there is no rpc ${rpc}`);
  const { path, requestSerialize, responseDeserialize } = method;
  if (method.requestStream) {
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.write(request);
    const [{ results }] = (await once(call, "data")) as [api.PushStreamResponse];
    expect(results.map(({ code }) => code)).toEqual([0]);
    call.end();
    return;
  }
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

test("the table of errors has each of the push-manager's and the client's, with its code", () => {
  const code = repositoryFiles()
    .filter((path) => /^(services\/push-manager|packages\/(api|runtime))\/src\/.*\.ts$/.test(path))
    .filter((path) => !path.endsWith(".test.ts"))
    .map((path) => readFileSync(join(ROOT, path), "utf8"))
    .join("\n");
  const thrown = [
    ...code.matchAll(/new RpcError\(\s*status\.(\w+),\s*"([A-Z_]+)"/g),
    ...code.matchAll(/new PushError\(\s*"(\w+)",\s*"([A-Z_]+)"/g),
    ...code.matchAll(/statusObject\(status\.(\w+), "internal error", "([A-Z_]+)"/g),
    ...code.matchAll(/\binvalid(\(\s*)"([A-Z_]+)"/g),
  ].map(([, status = "", reason]) => {
    return `${reason} ${status.startsWith("(") ? "INVALID_ARGUMENT" : status}`;
  });
  const table = readPage(PAGE).split("<!-- Checked against the code")[1]?.split("\n## ")[0] ?? "";
  const rows = [...table.matchAll(/^\| (`[^|]+`) \| `(\w+)` \|/gm)].flatMap(
    ([, reasons = "", status]) =>
      Array.from(reasons.matchAll(/`(\w+)`/g), ([, reason]) => `${reason} ${status}`),
  );

  expect(rows.toSorted()).toEqual([...new Set(thrown)].sort());
});
