import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { StreamPush } from "@pushcast/api";
import { describe, expect } from "vitest";
import { tlsSettings } from "../support/certificates.ts";
import { type ManagerClient, refusal } from "../support/manager-client.ts";
import type { Settings } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const ROOT_TOKEN = "root-token-0123456789";
const SHOP_TOKEN = "shop-token-0123456789";
const NEXT_TOKEN = "next-token-0123456789";

const ROOT = { name: "root", token: ROOT_TOKEN, rpcs: ["*"], rooms: ["*"] };
const SHOP = {
  name: "shop",
  token: SHOP_TOKEN,
  rpcs: ["PushToRoom", "PushToUser", "JoinRoom", "GetRoom"],
  rooms: ["shop:*"],
};

/** A file of callers, which is swapped as a whole. */
async function callersFile(stage: Stage, callers: readonly object[]) {
  const folder = await mkdtemp(join(tmpdir(), "pushcast-callers-"));
  stage.atEnd(() => rm(folder, { recursive: true }));
  const path = join(folder, "callers.json");
  const write = async (text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const set = (now: readonly object[]) => write(JSON.stringify({ callers: now }));
  await set(callers);
  return { path, set, write };
}

async function guarded(stage: Stage, callers: readonly object[], settings: Settings = {}) {
  const file = await callersFile(stage, callers);
  const cluster = await (async () => {
    const node = await stage.node({ REGISTRY: "memory" });
    const manager = await stage.manager({
      REGISTRY: "static",
      NODES: node.grpcAddress,
      PUSH_AUTH: "token",
      PUSH_TOKENS_FILE: file.path,
      FILES_CHECK_SECONDS: 0.1,
      ...settings,
    });
    return { node, manager };
  })();
  const root = stage.publisher(cluster.manager, { token: ROOT_TOKEN });
  await root.untilLinked([cluster.node.nodeId]);
  return { ...cluster, root, file };
}

const PUSH = { content: "x" };

/** Each rpc, as a call for a room of the shop. */
function calls(publisher: ManagerClient): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    PushToRoom: () => publisher.pushToRoom({ roomId: "shop:1", ...PUSH }),
    PushToUser: () => publisher.pushToUser({ userId: "ann", ...PUSH }),
    BroadcastMessage: () => publisher.broadcast(PUSH),
    JoinRoom: () => publisher.joinRoom("ann", "shop:1"),
    LeaveRoom: () => publisher.leaveRoom("ann", "shop:1"),
    DisconnectUser: () => publisher.disconnectUser("ann"),
    GetRoom: () => publisher.getRoom("shop:1"),
    GetUser: () => publisher.getUser("ann"),
    ListNodes: () => publisher.listNodes(),
    PushStream: () => publisher.pushStream([], 1),
  };
}

describe.concurrent("with PUSH_AUTH=token", { timeout: 60_000 }, () => {
  it("a caller's idempotency key is no other caller's", async ({ stage }) => {
    const { manager, node, root } = await guarded(stage, [ROOT, SHOP]);
    const shop = stage.publisher(manager, { token: SHOP_TOKEN });
    const ann = await stage.client(node, { userId: "ann" });
    const push = (content: string) => ({ userId: "ann", content, idempotencyKey: "order-1" });
    const first = await shop.pushToUser(push("of the shop"));
    const others = await root.pushToUser(push("of root"));
    expect(others.messageId).not.toBe(first.messageId);
    expect(others.report).toMatchObject({ sessionsDelivered: 1, nodesDuplicate: 0 });
    expect((await shop.pushToUser(push("again"))).messageId).toBe(first.messageId);
    await ann.message("of the shop");
    await ann.message("of root");
  });

  it("nobody is served without a token that is known", async ({ stage }) => {
    const { manager } = await guarded(stage, [ROOT, SHOP]);
    const strangers = [
      [undefined, "TOKEN_MISSING"],
      ["some-other-token-012345", "TOKEN_INVALID"],
    ] as const;
    for (const [token, pushcastCode] of strangers) {
      const stranger = stage.publisher(manager, token === undefined ? {} : { token });
      for (const call of Object.values(calls(stranger))) {
        expect(await refusal(call())).toMatchObject({ code: 16, pushcastCode });
      }
      const metrics = await manager.metrics();
      const counted = metrics.value("push_manager_refused_calls_total", { code: pushcastCode });
      expect(counted).toBe(10);
    }
  });

  it("health is open, and reflection is not", async ({ stage }) => {
    const { manager } = await guarded(stage, [ROOT]);
    const client = new Client(manager.grpcAddress, credentials.createInsecure());
    stage.atEnd(() => client.close());
    const bytes = (message: Buffer) => message;
    const check = new Promise((resolve, reject) => {
      const path = "/grpc.health.v1.Health/Check";
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), (error, answer) =>
        answer === undefined ? reject(error) : resolve(answer),
      );
    });
    await check;
    for (const version of ["v1", "v1alpha"]) {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const stream = client.makeBidiStreamRequest(path, bytes, bytes);
      stream.on("data", () => {});
      const ended = new Promise((_resolve, reject) => stream.on("error", reject));
      expect(await refusal(ended)).toMatchObject({ code: 16, pushcastCode: "TOKEN_MISSING" });
    }
  });

  it("a token within metadata that is malformed gets into no log", async ({ stage }) => {
    const { manager } = await guarded(stage, [ROOT]);
    const session = connect(`http://${manager.grpcAddress}`);
    stage.atEnd(() => session.destroy());
    const call = session.request({
      ":method": "POST",
      ":path": "/pushcast.v1.PushManagerService/ListNodes",
      "content-type": "application/grpc",
      authorization: `Bearer\t${ROOT_TOKEN}`,
    });
    const [headers] = await once(call, "response");
    expect(headers["pushcast-code"]).toBe("TOKEN_MISSING");
    session.destroy();
    await manager.process.stop();
    expect(manager.process.stderr).not.toContain(ROOT_TOKEN);
  });

  it("a caller may do what the file says, and no more", async ({ stage }) => {
    const { manager, root } = await guarded(stage, [ROOT, SHOP]);
    for (const call of Object.values(calls(root))) await call();
    const shop = stage.publisher(manager, { token: SHOP_TOKEN });
    const forbidden = { code: 7, pushcastCode: "RPC_FORBIDDEN" };
    for (const [rpc, call] of Object.entries(calls(shop))) {
      if (rpc === "PushStream" || SHOP.rpcs.includes(rpc)) await call();
      else expect(await refusal(call())).toMatchObject(forbidden);
    }
    const elsewhere = { roomId: "bank:1", ...PUSH };
    const refused = [
      shop.pushToRoom(elsewhere),
      shop.pushToUser({ userId: "ann", ...elsewhere }),
      shop.joinRoom("ann", "bank:1"),
      shop.getRoom("bank:1"),
    ];
    for (const call of refused) {
      expect(await refusal(call)).toMatchObject({ code: 7, pushcastCode: "ROOM_FORBIDDEN" });
    }
    const metrics = await manager.metrics();
    const counted = (outcome: string) =>
      metrics.value("push_manager_caller_calls_total", { caller: "shop", outcome });
    expect([counted("ALLOWED"), counted("RPC_FORBIDDEN"), counted("ROOM_FORBIDDEN")]).toEqual([
      4, 5, 4,
    ]);
  });

  it("each push of a stream is judged, and told in its result", async ({ stage }) => {
    const { manager } = await guarded(stage, [ROOT, { ...SHOP, rate: 0.001, burst: 2 }]);
    const shop = stage.publisher(manager, { token: SHOP_TOKEN });
    const toRoom = (requestId: string, roomId: string) =>
      StreamPush.fromPartial({
        requestId,
        push: { $case: "pushToRoom", value: { roomId, content: Buffer.from("x") } },
      });
    const results = await shop.pushStream(
      [
        toRoom("own", "shop:1"),
        toRoom("other", "bank:1"),
        StreamPush.fromPartial({
          requestId: "all",
          push: { $case: "broadcastMessage", value: { content: Buffer.from("x") } },
        }),
        toRoom("own again", "shop:2"),
        toRoom("too many", "shop:1"),
      ],
      5,
    );
    const told = results.map(({ requestId, code, error }) => [
      requestId,
      code,
      error.split(":")[0],
    ]);
    expect(told.sort()).toEqual([
      ["all", 7, "RPC_FORBIDDEN"],
      ["other", 7, "ROOM_FORBIDDEN"],
      ["own again", 0, ""],
      ["own", 0, ""],
      ["too many", 8, "RATE_LIMITED"],
    ]);
    expect(await refusal(shop.pushToRoom({ roomId: "shop:1", ...PUSH }))).toMatchObject({
      code: 8,
      pushcastCode: "RATE_LIMITED",
    });
  });

  it("tokens are rotated and revoked under load, without a restart", async ({ stage }) => {
    const { manager, root, file } = await guarded(stage, [ROOT, SHOP]);
    const steady = new SteadyPushes(root, "room", 5);
    const loads = async (result: string) =>
      (await manager.metrics()).value("push_manager_file_loads_total", {
        files: "push_tokens",
        result,
      });
    const old = stage.publisher(manager, { token: SHOP_TOKEN });
    const next = stage.publisher(manager, { token: NEXT_TOKEN });
    const push = { roomId: "shop:1", ...PUSH };

    await file.set([ROOT, { ...SHOP, token: [SHOP_TOKEN, NEXT_TOKEN] }]);
    await until("both tokens are known", async () => (await loads("loaded")) === 2);
    await Promise.all([old.pushToRoom(push), next.pushToRoom(push)]);

    await file.write(`{"callers":[{"name":"root","token":"${ROOT_TOKEN}"`);
    await until("the broken file is refused", async () => (await loads("refused")) === 1);
    await Promise.all([old.pushToRoom(push), next.pushToRoom(push)]);

    const stream = old.openPushStream();
    const codes: number[] = [];
    stream.on("data", ({ results }) => {
      for (const { code } of results) codes.push(code);
    });
    const pushOnStream = () =>
      stream.write({
        pushes: [
          StreamPush.fromPartial({
            requestId: "r",
            push: { $case: "pushToRoom", value: { roomId: "shop:1", content: Buffer.from("x") } },
          }),
        ],
      });
    pushOnStream();
    await until("the stream is served", () => codes.length === 1);
    await file.set([ROOT, { ...SHOP, token: NEXT_TOKEN }]);
    await until("the old token is revoked", async () => (await loads("loaded")) === 3);
    expect(await refusal(old.pushToRoom(push))).toMatchObject({
      code: 16,
      pushcastCode: "TOKEN_INVALID",
    });
    pushOnStream();
    await until("the stream is judged anew", () => codes.length === 2);
    expect(codes).toEqual([0, 16]);
    stream.end();
    await next.pushToRoom(push);

    expect((await steady.stop()).length).toBeGreaterThan(0);
    expect(steady.refused).toEqual([]);
    for (const token of [ROOT_TOKEN, SHOP_TOKEN, NEXT_TOKEN]) {
      expect(manager.process.stderr).not.toContain(token);
    }
  });

  it("settings that contradict each other, and a file of no use, are refused at the start", async ({
    stage,
  }) => {
    const file = await callersFile(stage, []);
    const wrong: [Settings, string][] = [
      [{ PUSH_AUTH: "token" }, "PUSH_TOKENS_FILE"],
      [{ PUSH_TOKENS_FILE: file.path }, "PUSH_TOKENS_FILE"],
      [{ PUSH_AUTH: "mtls", PUSH_TOKENS_FILE: file.path }, "PUSH_AUTH"],
      [{ PUSH_AUTH: "token", PUSH_TOKENS_FILE: file.path }, "PUSH_TOKENS_FILE"],
      [{ PUSH_AUTH: "token", PUSH_TOKENS_FILE: "/nowhere" }, "PUSH_TOKENS_FILE"],
    ];
    for (const [settings, setting] of wrong) {
      const { code, stderr } = await stage.process("push-manager", {
        REGISTRY: "memory",
        ...settings,
      }).exited;
      expect(code).toBe(78);
      const last = stderr.trimEnd().split("\n").at(-1) ?? "";
      expect(JSON.parse(last).errors).toEqual([expect.objectContaining({ setting })]);
    }
  });
});

describe.concurrent("who may push", { timeout: 60_000 }, () => {
  it("is told by client certificates with PUSH_AUTH=mtls", async ({ stage }) => {
    const ca = await stage.ca();
    const file = await callersFile(stage, [
      { name: "shop", certificate: "shop.example", rpcs: ["PushToRoom"], rooms: ["shop:*"] },
    ]);
    const own = await ca.issue({ dnsNames: ["push-manager"] });
    const manager = await stage.manager({
      REGISTRY: "memory",
      PUSH_AUTH: "mtls",
      PUSH_TOKENS_FILE: file.path,
      ...tlsSettings(own),
    });
    const publisherWith = async (dnsNames: readonly string[]) => {
      const { key, cert } = await ca.issue({ dnsNames, commonName: "anybody" });
      const secure = credentials.createSsl(
        await readFile(ca.cert),
        await readFile(key),
        await readFile(cert),
      );
      return stage.publisher(manager, { credentials: secure });
    };
    const [shop, other] = await Promise.all([
      publisherWith(["shop.example"]),
      publisherWith(["bank.example"]),
    ]);
    const nobody = stage.publisher(manager, {
      credentials: credentials.createSsl(await readFile(ca.cert)),
    });
    const answers = [
      [shop, "shop:1", "NO_NODES"],
      [shop, "bank:1", "ROOM_FORBIDDEN"],
      [other, "shop:1", "CERTIFICATE_UNKNOWN"],
      [nobody, "shop:1", "CERTIFICATE_MISSING"],
    ] as const;
    for (const [publisher, roomId, pushcastCode] of answers) {
      expect(await refusal(publisher.pushToRoom({ roomId, ...PUSH }))).toMatchObject({
        pushcastCode,
      });
    }
  });

  it("is everybody with PUSH_AUTH=none, which production says loudly", async ({ stage }) => {
    const manager = await stage.manager({ REGISTRY: "memory", NODE_ENV: "production" });
    expect(manager.process.logLines).toMatchObject([
      { level: "warn", msg: expect.stringContaining("PUSH_AUTH=none") },
    ]);
  });
});
