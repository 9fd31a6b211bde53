import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createPushClient,
  type PushClient,
  type PushClientOptions,
  type PushResult,
} from "@pushcast/api";
import { describe, expect } from "vitest";
import { tlsSettings } from "../support/certificates.ts";
import { freePorts } from "../support/free-ports.ts";
import type { RunningManager } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

/** It is closed with the test. */
function pushClient(stage: Stage, options: PushClientOptions): PushClient {
  const client = createPushClient(options);
  stage.atEnd(() => client.close());
  return client;
}

/** Two push-managers that can be replaced by others at the same addresses, and a client in both rooms. */
async function twoManagers(stage: Stage) {
  const etcd = await stage.etcd();
  const found = { REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint };
  const ports = await freePorts(2);
  const node = await stage.node(found);
  const start = async (port: number) => {
    const manager = await stage.manager({ ...found, GRPC_PORT: port });
    await until("it knows the node", () => isLinked(manager));
    return manager;
  };
  const managers = await Promise.all(ports.map(start));
  const client = await stage.client(node, { userId: "ann" });
  await client.joinAll(["unary", "stream"]);
  const pushes = pushClient(stage, { address: ports.map((port) => `127.0.0.1:${port}`) });
  /** Ends each and starts another in its place, one after the other. */
  const replaceAll = async (signal: NodeJS.Signals) => {
    for (const [n, port] of ports.entries()) {
      await Promise.all(managers.map((manager) => until("it is used", () => isUsed(manager))));
      await managers[n]?.process.stop(signal);
      managers[n] = await start(port);
    }
    await Promise.all(managers.map((manager) => until("it is used", () => isUsed(manager))));
  };
  return { pushes, client, replaceAll };
}

async function isLinked(manager: RunningManager): Promise<boolean> {
  return (await manager.metrics()).sum("push_manager_links", { state: "live" }) === 1;
}

async function isUsed(manager: RunningManager): Promise<boolean> {
  return (await manager.metrics()).sum("push_manager_pushes_total", { code: "OK" }) > 0;
}

/** Pushes at a steady pace, until what is done meanwhile is over. */
async function pushDuring(
  happening: Promise<void>,
  push: (text: string) => Promise<PushResult>,
): Promise<PushResult[]> {
  let isOver = false;
  const over = happening.finally(() => {
    isOver = true;
  });
  const results: Promise<PushResult>[] = [];
  while (!isOver) {
    results.push(push(String(results.length)));
    await sleep(4);
  }
  await over;
  return Promise.all(results);
}

describe.concurrent("biz-servers with the push client", { timeout: 60_000 }, () => {
  it.for(["SIGTERM", "SIGKILL"] as const)(
    "see no error while all push-managers are replaced by %s, and each push is delivered once",
    async (signal, { stage }) => {
      const { pushes, client, replaceAll } = await twoManagers(stage);
      const stream = pushes.stream();
      const replaced = replaceAll(signal);
      const [unary, streamed] = await Promise.all([
        pushDuring(replaced, (text) => pushes.pushToRoom("unary", text)),
        pushDuring(replaced, (text) => stream.pushToRoom("stream", text)),
      ]);

      await client.count(unary.length + streamed.length);
      const textsIn = (room: string) =>
        client.messages
          .filter((message) => message.room === room)
          .map(({ content }) => `${content}`);
      const numbers = ({ length }: readonly unknown[]) => Array.from({ length }, (_, n) => `${n}`);
      expect(textsIn("stream")).toEqual(numbers(streamed));
      expect(textsIn("unary").sort()).toEqual(numbers(unary).sort());
      const all = [...unary, ...streamed];
      expect(new Set(all.map(({ messageId }) => messageId.split("-")[0])).size).toBe(4);
      expect(all.some(({ attempts }) => attempts > 1)).toBe(true);
    },
  );

  it("command and count, with plain numbers", async ({ stage }) => {
    const { nodes, manager } = await stage.cluster(1);
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const ann = await stage.client(node, { userId: "ann" });
    const pushes = pushClient(stage, { address: manager.grpcAddress });

    expect(await pushes.joinRoom("ann", "room")).toMatchObject({ nodesMatched: 1, failures: [] });
    await ann.frame("joined");
    expect(await pushes.getRoom("room")).toMatchObject({ sessions: 1, users: 1, nodesAnswered: 1 });
    expect(await pushes.getUser("ann")).toMatchObject({ sessions: 1, rooms: ["room"] });
    const { report } = await pushes.pushToUser("ann", { json: { n: 1 } }, { roomId: "room" });
    expect(report).toMatchObject({ sessionsDelivered: 1 });
    await ann.count(1);
    expect(await pushes.leaveRoom("ann", "room")).toMatchObject({ nodesMatched: 1 });
    const excluded = await pushes.broadcast("not for ann", { excludeUserIds: ["ann"] });
    expect(excluded.report).toMatchObject({ nodesMatched: 0, sessionsDelivered: 0 });
    const unseen = await pushes.broadcast("for all", { wait: "none" });
    expect(unseen.report).toMatchObject({ nodesTotal: 1, nodesAcked: 0 });
    const { nodes: known } = await pushes.listNodes();
    expect(known).toEqual([
      expect.objectContaining({
        nodeId: node.nodeId,
        lag: expect.any(Number),
        startedAtMs: expect.any(Number),
      }),
    ]);
    await pushes.disconnectUser("ann", { code: 4999, reason: "bye" });
    expect(await ann.closed).toMatchObject({ code: 4999 });
  });

  it.for(["token", "mtls"])(
    "are known over TLS with PUSH_AUTH=%s, and told what they may not",
    async (PUSH_AUTH, { stage }) => {
      const ca = await stage.ca();
      const token = "shop-token-0123456789";
      const shop = { name: "shop", token, certificate: "shop.example", rpcs: ["PushToRoom"] };
      const file = join(ca.folder, "callers.json");
      await writeFile(file, JSON.stringify({ callers: [{ ...shop, rooms: ["shop:*"] }] }));
      const own = await ca.issue({ dnsNames: ["push-manager"] });
      const settings = { REGISTRY: "memory", PUSH_AUTH, PUSH_TOKENS_FILE: file };
      const { grpcAddress } = await stage.manager({ ...settings, ...tlsSettings(own) });
      const shown = await ca.issue({ dnsNames: ["shop.example"] });
      const certificate = { cert: await readFile(shown.cert), key: await readFile(shown.key) };
      const tls = { ca: await readFile(ca.cert), serverName: "push-manager" };
      const known: PushClientOptions =
        PUSH_AUTH === "token"
          ? { address: grpcAddress, tls, token: async () => token }
          : { address: grpcAddress, tls: { ...tls, ...certificate } };
      const pushes = pushClient(stage, { ...known, maxAttempts: 1 });
      const nobody = pushClient(stage, { address: grpcAddress, tls });

      await expect(pushes.pushToRoom("shop:1", "x")).rejects.toMatchObject({ reason: "NO_NODES" });
      await expect(pushes.pushToRoom("bank:1", "x")).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
        reason: "ROOM_FORBIDDEN",
      });
      await expect(nobody.pushToRoom("shop:1", "x")).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        reason: PUSH_AUTH === "token" ? "TOKEN_MISSING" : "CERTIFICATE_MISSING",
        attempts: 1,
      });
    },
  );

  it("believe a certificate for the address that they call, without a name in the handshake", async ({
    stage,
  }) => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    stage.atEnd(() => process.off("warning", onWarning));
    const ca = await stage.ca();
    const own = await ca.issue({ dnsNames: ["push-manager"] });
    const { grpcAddress } = await stage.manager({ REGISTRY: "memory", ...tlsSettings(own) });
    const [host, port] = grpcAddress.split(":");
    expect(host).toBe("127.0.0.1");
    const tls = { ca: await readFile(ca.cert) };
    const options = { tls, maxAttempts: 1 };

    for (const address of [grpcAddress, `dns:///${grpcAddress}`]) {
      const known = pushClient(stage, { ...options, address });
      await expect(known.pushToRoom("r", "x")).rejects.toMatchObject({ reason: "NO_NODES" });
    }
    for (const serverName of ["10.0.0.1", "::1", "localhost"]) {
      const other = pushClient(stage, {
        ...options,
        address: grpcAddress,
        tls: { ...tls, serverName },
      });
      await expect(other.pushToRoom("r", "x")).rejects.toThrow(/altnames/);
    }
    const byName = pushClient(stage, { ...options, address: `localhost:${port}` });
    await expect(byName.pushToRoom("r", "x")).rejects.toThrow(/altnames/);
    expect(warnings).toEqual([]);
  });
});
