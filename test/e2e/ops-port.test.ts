import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect } from "vitest";
import { refusal } from "../support/manager-client.ts";
import { it } from "../support/stage.ts";
import { TestClient } from "../support/ws-client.ts";

const IN_PROCESS = { REGISTRY: "memory" };

/** A token as long as people make them, which stands nowhere by chance. */
const TOKEN = "ops-8f0c2d71b6e94a35";

/** An address of this machine that is reached from itself, and not from loopback. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat();
  const own = addresses.find((found) => found?.family === "IPv4" && !found.internal);
  if (own === undefined) throw new Error("this machine has no address but those of loopback");
  return own.address;
}

async function drain(origin: string, init: RequestInit = {}) {
  const answer = await fetch(`${origin}/drain`, { method: "POST", ...init });
  return {
    status: answer.status,
    allow: answer.headers.get("allow"),
    body: (await answer.json()) as { phase?: string; error?: { code: string } },
  };
}

describe.concurrent("the ops port", { timeout: 60_000 }, () => {
  it.for(["push-manager", "connect-node"] as const)(
    "is bound where OPS_HOST says, and nowhere else: %s",
    async (name, { stage }) => {
      const process = stage.process(name, { ...IN_PROCESS, OPS_HOST: "127.0.0.2" });
      const { ports } = (await process.ready()) as unknown as { ports: { ops: number } };

      expect((await fetch(`http://127.0.0.2:${ports.ops}/livez`)).status).toBe(200);
      for (const host of ["127.0.0.1", ownAddress()]) {
        const socket = connect(ports.ops, host);
        const [error] = await once(socket, "error");
        expect(error).toMatchObject({ code: "ECONNREFUSED" });
      }
    },
  );

  it("takes a drain from loopback, and does not let a client in afterwards", async ({ stage }) => {
    const node = await stage.node({ ...IN_PROCESS, OPS_TOKEN: TOKEN });
    await node.warm();
    const { status, body } = await drain(node.opsUrl);

    expect([status, body.phase]).toEqual([202, expect.any(String)]);
    expect((await fetch(`${node.opsUrl}/readyz`)).status).toBe(503);
    await expect(TestClient.open(node.wsUrl, { userId: "ann" })).rejects.toThrow("503");
  });

  it("takes a drain from elsewhere with the token only, and tells it to nobody", async ({
    stage,
  }) => {
    const node = await stage.node({
      ...IN_PROCESS,
      OPS_HOST: "0.0.0.0",
      OPS_TOKEN: TOKEN,
      LOG_LEVEL: "trace",
    });
    const origin = `http://${ownAddress()}:${new URL(node.opsUrl).port}`;
    const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

    for (const init of [{}, bearer(`${TOKEN}x`), bearer(TOKEN.slice(1)), bearer("")]) {
      const { status, body } = await drain(origin, init);
      expect([status, body.error?.code]).toEqual([403, "FORBIDDEN"]);
      expect(JSON.stringify(body)).not.toContain(TOKEN);
    }
    expect((await drain(origin, bearer(TOKEN))).status).toBe(202);
    expect(node.process.stderr).not.toContain(TOKEN);
  });

  it("takes no drain from elsewhere where there is no token", async ({ stage }) => {
    const node = await stage.node({ ...IN_PROCESS, OPS_HOST: "0.0.0.0" });
    const origin = `http://${ownAddress()}:${new URL(node.opsUrl).port}`;
    for (const token of ["", "undefined"]) {
      const init = { headers: { Authorization: `Bearer ${token}` } };
      expect((await drain(origin, init)).status).toBe(403);
    }
  });

  it("answers 405 to GET /drain, and begins none", async ({ stage }) => {
    const node = await stage.node(IN_PROCESS);
    await node.warm();
    const ready = (await fetch(`${node.opsUrl}/readyz`)).status;
    const { status, allow } = await drain(node.opsUrl, { method: "GET" });

    expect([status, allow]).toEqual([405, "POST"]);
    expect((await fetch(`${node.opsUrl}/readyz`)).status).toBe(ready);
  });

  it("has no /drain on a push-manager", async ({ stage }) => {
    const manager = await stage.manager(IN_PROCESS);
    expect((await drain(manager.opsUrl)).status).toBe(404);
  });
});

/** What must stand neither in metrics nor in logs: each is of one kind, and of no other text. */
const PRIVATE = {
  user: "user-zebra-4711",
  room: "room-walrus-0815",
  content: "content-ocelot-1234",
  key: "key-pangolin-5678",
  reason: "reason-gecko-9012",
};

it("no user, room, content or key gets into metrics or logs, whatever befalls them", async ({
  stage,
}) => {
  const settings = { LOG_LEVEL: "trace" };
  const { nodes, manager, publisher } = await stage.cluster(1, {
    node: { ...settings, MAX_ROOMS_PER_SESSION: 1 },
    manager: { ...settings, MAX_CONTENT_BYTES: 100 },
  });
  const [node] = nodes;
  if (node === undefined) throw new Error("there is no node");
  const { user, room, content, key, reason } = PRIVATE;
  const client = await stage.client(node, { userId: user });
  await client.join(room);
  const named = { content, idempotencyKey: key };
  await publisher.pushToRoom({ roomId: room, ...named });
  await publisher.pushToRoom({ roomId: room, ...named });
  await publisher.pushToUser({ userId: user, content });
  await publisher.broadcast({ content, excludeUserIds: [user] });
  await publisher.getRoom(room);
  await publisher.getUser(user);
  // What is refused, on either side.
  const tooLong = content.repeat(10);
  expect(await refusal(publisher.pushToRoom({ roomId: room, content: tooLong }))).toMatchObject({
    code: expect.any(Number),
  });
  const badRoom = { roomId: `${room}\u0000`, content };
  await refusal(publisher.pushToRoom(badRoom));
  client.send({ type: "join", id: 90, room: `${room}-second` });
  client.sendRaw(JSON.stringify({ type: "join", id: 91, room: `${room}\u0000` }), false);
  client.sendRaw(JSON.stringify({ type: user, id: 92, room }), false);
  await client.until("the refusals", () =>
    [90, 91, 92].every((id) => client.frames.some((frame) => "id" in frame && frame.id === id)),
  );
  await publisher.leaveRoom(user, room);
  await publisher.disconnectUser(user, 0, reason);
  await client.closed;

  for (const { opsUrl, process } of [node, manager]) {
    const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
    expect(metrics).toContain("process_resident_memory_bytes");
    expect(process.logLines).not.toEqual([]);
    for (const secret of Object.values(PRIVATE)) {
      expect(metrics).not.toContain(secret);
      expect(process.stderr).not.toContain(secret);
    }
  }
});
