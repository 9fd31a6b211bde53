import { JSON_SUBPROTOCOL, TOKEN_PREFIX } from "@pushcast/wire";
import { describe, expect } from "vitest";
import { JwksServer } from "../../services/connect-node/test/jwks-server.ts";
import {
  newKeyPair,
  newSecret,
  type SigningKey,
  TestFile,
  token,
} from "../../services/connect-node/test/tokens.ts";
import { handshake } from "../support/handshake.ts";
import type { RunningNode } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const DANGER = "i-know-that-anybody-can-be-anybody";

function fileOf(stage: Stage, content: string): TestFile {
  const file = new TestFile(content);
  stage.atEnd(() => file.close());
  return file;
}

/** One with which its user may join `r`. */
function tokenOf(key: SigningKey, nowMs: number, claims: Readonly<Record<string, unknown>> = {}) {
  return token(key, nowMs, { rooms: ["r"], ...claims });
}

function portOf({ wsUrl }: RunningNode): number {
  return Number(new URL(wsUrl).port);
}

describe.concurrent("tokens", { timeout: 60_000 }, () => {
  it("stand nowhere in what a node writes, wherever they came and whatever they were", async ({
    stage,
  }) => {
    const secret = newSecret();
    const node = await stage.node({
      REGISTRY: "memory",
      AUTH_MODE: "jwt",
      JWT_SECRET_FILE: fileOf(stage, secret.text).path,
      LOG_LEVEL: "trace",
    });
    await node.warm();
    const nowMs = Date.now();
    const good = await tokenOf(secret, nowMs);
    const tokens = [
      good,
      await tokenOf(newSecret(), nowMs),
      await tokenOf(secret, nowMs - 7_200_000),
      await tokenOf(secret, nowMs, { sub: "" }),
      await tokenOf(secret, nowMs, { iat: undefined }),
      "no-token-at-all",
    ];
    for (const text of tokens) {
      for (const request of [
        { path: "/ws", headers: { Authorization: `Bearer ${text}` } },
        { path: `/ws?access_token=${text}` },
        {
          path: "/ws",
          headers: { "Sec-WebSocket-Protocol": `${JSON_SUBPROTOCOL}, ${TOKEN_PREFIX}${text}` },
        },
        // No upgrade, another path, a query that cannot be read.
        {
          path: `/ws?access_token=${text}`,
          headers: { Upgrade: undefined, Connection: undefined },
        },
        { path: `/nowhere?access_token=${text}` },
        { path: `/ws?access_token=${text}&access_token=${text}` },
      ]) {
        const { socket } = await handshake(portOf(node), request);
        socket.destroy();
      }
      const client = await stage.client(node, { userId: "ann", token: good });
      client.send({ type: "token", token: text });
      await client.until("an answer", () => client.frames.length > 1);
      client.sendRaw(`{"type":"token","token":{"a":"${text}"}}`, false);
      await client.until("another", () => client.frames.length > 2);
      client.terminate();
    }
    const metrics = await (await fetch(`${node.opsUrl}/metrics`)).text();
    expect(await node.process.stop()).toBe(0);
    const { stdout, stderr } = await node.process.exited;
    expect(stderr).toContain("listening");
    for (const text of tokens) {
      const [, payload = text] = text.split(".");
      for (const part of [text, payload, secret.text]) {
        expect(`${stdout}${stderr}${metrics}`).not.toContain(part);
      }
    }
  });

  it("that DisconnectUser revokes are refused by all nodes, and by one that starts later", async ({
    stage,
  }) => {
    const secret = newSecret();
    const shortLog = { LOG_SECONDS: 1 };
    const settings = {
      AUTH_MODE: "jwt",
      JWT_SECRET_FILE: fileOf(stage, secret.text).path,
      ...shortLog,
    };
    const { etcd, nodes, manager, publisher } = await stage.cluster(2, {
      node: settings,
      manager: shortLog,
    });
    const issued = Date.now() - 10_000;
    const old = await tokenOf(secret, issued);
    const sessions = await Promise.all(
      nodes.map((node) => stage.client(node, { userId: "ann", token: old })),
    );
    const bob = await stage.client(nodes[0] as RunningNode, {
      userId: "bob",
      token: await tokenOf(secret, issued, { sub: "bob" }),
    });
    await publisher.disconnectUser("ann", 0, "logged out", true);
    for (const { closed } of sessions) {
      expect(await closed).toEqual({ code: 4401, reason: "logged out" });
    }
    // From then on only the nodes' tables have it.
    for (const [process, metric] of [
      [manager, "push_manager_log_bytes"],
      ...nodes.map((node) => [node, "connect_node_log_bytes"] as const),
    ] as const) {
      const isEmpty = async () => (await process.metrics()).value(metric) === 0;
      await until("the log is empty", isEmpty);
    }
    const later = await stage.node({
      REGISTRY: "etcd",
      ETCD_ENDPOINTS: etcd.endpoint,
      ...settings,
    });
    await later.warm();
    await publisher.untilLinked([...nodes, later].map(({ nodeId }) => nodeId));
    for (const node of [...nodes, later]) {
      const headers = { Authorization: `Bearer ${old}` };
      const { status, body } = await handshake(portOf(node), { path: "/ws", headers });
      expect(status).toBe(401);
      expect(JSON.parse(body).error.code).toBe("TOKEN_REVOKED");
      const newer = await tokenOf(secret, Date.now() + 2_000);
      await (await stage.client(node, { userId: "ann", token: newer })).join("r");
    }
    await bob.join("r");
    expect((await later.metrics()).value("connect_node_revocations")).toBe(1);
  });

  it("are verified under load while keys rotate, the issuer is away and somebody's are revoked, and no other session is lost", async ({
    stage,
  }) => {
    const [first, second] = [newKeyPair("first"), newKeyPair("second")];
    const issuer = await new JwksServer().start();
    stage.atEnd(() => issuer.stop());
    issuer.body = { keys: [first.jwk] };
    const node = await stage.node({
      REGISTRY: "memory",
      AUTH_MODE: "jwt",
      JWT_JWKS_URL: issuer.url,
      JWT_JWKS_REFRESH_SECONDS: 1,
      JWT_JWKS_COOLDOWN_SECONDS: 0.1,
    });
    const manager = await stage.manager({ REGISTRY: "static", NODES: node.grpcAddress });
    const publisher = stage.publisher(manager);
    await publisher.untilLinked([node.nodeId]);
    const clientOf = async (key: typeof first, userId = "ann") => {
      const given = await tokenOf(key, Date.now(), { sub: userId });
      const client = await stage.client(node, { userId, token: given });
      await client.join("r");
      return client;
    };
    const clients = [await clientOf(first)];
    const eve = await clientOf(first, "eve");
    const steady = new SteadyPushes(publisher, "r", 5);
    issuer.body = { keys: [first.jwk, second.jwk] };
    const statusOf = async (key: typeof first) => {
      const headers = { Authorization: `Bearer ${await tokenOf(key, Date.now())}` };
      const { status, socket } = await handshake(portOf(node), { path: "/ws", headers });
      socket.destroy();
      return status;
    };
    await until("the new key is known", async () => (await statusOf(second)) === 101);
    clients.push(await clientOf(second));

    await issuer.stop();
    const failures = async () => (await node.metrics()).value("connect_node_jwks_failures_total");
    await until("reads have failed", async () => (await failures()) >= 2);
    clients.push(await clientOf(first), await clientOf(second));
    expect(await statusOf(newKeyPair("third"))).toBe(503);
    await publisher.disconnectUser("eve", 0, "", true);
    expect((await eve.closed).code).toBe(4401);

    issuer.body = { keys: [second.jwk] };
    await issuer.start();
    await until("the old key is forgotten", async () => (await statusOf(first)) === 401);

    const contents = await steady.stop();
    expect(steady.refused).toEqual([]);
    for (const client of clients) {
      await client.message(contents.at(-1) ?? "");
      const [firstOfIts = ""] = client.texts;
      expect(client.texts).toEqual(contents.slice(contents.indexOf(firstOfIts)));
    }
    expect(clients[0]?.texts).toEqual(contents);
  });
});

describe.concurrent("AUTH_MODE=none", { timeout: 60_000 }, () => {
  it("is refused in production, unless its danger is named", async ({ stage }) => {
    const settings = { REGISTRY: "memory", NODE_ENV: "production" };
    const { code, stderr } = await stage.process("connect-node", settings).exited;
    expect(code).toBe(78);
    expect(JSON.parse(stderr).errors).toEqual([
      { setting: "AUTH_MODE", problem: expect.stringContaining(DANGER) },
    ]);
    const node = await stage.node({ ...settings, AUTH_NONE_IN_PRODUCTION: DANGER });
    await stage.client(node, { userId: "ann" });
  });

  it("is said loudly where other machines reach the node", async ({ stage }) => {
    const [open, closed] = await Promise.all([
      stage.node({ REGISTRY: "memory", WS_HOST: "0.0.0.0" }),
      stage.node({ REGISTRY: "memory" }),
    ]);
    expect(open.process.stderr).toContain("ANYBODY CAN BE ANYBODY");
    expect(closed.process.stderr).toBe("");
  });

  it("without a key names the settings of which one is needed", async ({ stage }) => {
    const settings = { REGISTRY: "memory", AUTH_MODE: "jwt" };
    const missing = { ...settings, JWT_SECRET_FILE: "/nowhere/secret" };
    for (const [given, setting] of [
      [settings, "AUTH_MODE"],
      [{ ...missing, JWT_JWKS_URL: "http://127.0.0.1/" }, "AUTH_MODE"],
      [missing, "JWT_SECRET_FILE"],
    ] as const) {
      const { code, stderr } = await stage.process("connect-node", given).exited;
      expect(code).toBe(78);
      expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "").errors).toMatchObject([
        { setting },
      ]);
    }
  });
});
