import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { json } from "node:stream/consumers";
import { connect } from "@pushcast/client";
import { listen } from "@pushcast/runtime";
import { PROTO_SUBPROTOCOL } from "@pushcast/wire";
import { describe, expect } from "vitest";
import { WebSocket } from "ws";
import { newSecret, TestFile, token } from "../../services/connect-node/test/tokens.ts";
import { fence } from "../support/fence.ts";
import { handshake } from "../support/handshake.ts";
import type { RunningNode, Settings } from "../support/processes.ts";
import { it, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const AUTHZ_TOKEN = "the.token.of-the-nodes";

/** A biz-server that lets in whom it has listed, and notes who was asked about. */
class BizServer {
  readonly allowed = new Set<string>();
  readonly asked: string[] = [];
  /** @default an answer with JSON */
  mood: "well" | "failing" | "silent" = "well";
  readonly #server: Server = createServer(async (request, response) => {
    if (request.headers.authorization !== `Bearer ${AUTHZ_TOKEN}`) response.writeHead(401);
    const { user_id, room_id } = (await json(request)) as Record<string, string>;
    this.asked.push(`${user_id} ${room_id}`);
    if (this.mood === "silent") return;
    if (this.mood === "failing") response.writeHead(500);
    response.end(JSON.stringify({ allow: this.allowed.has(`${user_id} ${room_id}`) }));
  });

  async start(): Promise<string> {
    const address = { host: "127.0.0.1", port: 0, setting: "the biz-server" };
    return `http://127.0.0.1:${await listen(this.#server, address)}/may-join`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Scene {
  readonly nodes: readonly [RunningNode, RunningNode];
  readonly publisher: Awaited<ReturnType<Stage["cluster"]>>["publisher"];
  readonly bizServer: BizServer;
  readonly tickets: TestFile;
  /** A token of a user with these claims. */
  readonly tokenOf: (userId: string, claims?: object) => Promise<string>;
}

async function begin(stage: Stage, settings: Settings = {}): Promise<Scene> {
  const secret = newSecret();
  const bizServer = new BizServer();
  stage.atEnd(() => bizServer.stop());
  const fileOf = (content: string) => {
    const file = new TestFile(content);
    stage.atEnd(() => file.close());
    return file;
  };
  const tickets = fileOf(newTicketSecret());
  const { nodes, publisher } = await stage.cluster(2, {
    node: {
      AUTH_MODE: "jwt",
      JWT_SECRET_FILE: fileOf(secret.text).path,
      TICKET_SECRET_FILE: tickets.path,
      AUTHZ_URL: await bizServer.start(),
      AUTHZ_TOKEN_FILE: fileOf(`${AUTHZ_TOKEN}\n`).path,
      // Far above what an answer takes, also on a machine that is busy otherwise.
      AUTHZ_TIMEOUT_MS: 20_000,
      AUTHZ_CACHE_SECONDS: 60,
      AUTHZ_DENIAL_CACHE_SECONDS: 0,
      ...settings,
    },
  });
  return {
    nodes: nodes as unknown as [RunningNode, RunningNode],
    publisher,
    bizServer,
    tickets,
    tokenOf: (userId, claims) => token(secret, Date.now(), { sub: userId, ...claims }),
  };
}

function newTicketSecret(): string {
  return `${randomBytes(36).toString("base64")}\n`;
}

describe.concurrent("the right to be in a room", { timeout: 60_000 }, () => {
  it("comes by the token, by the biz-server's answer, or not", async ({ stage }) => {
    const { nodes, publisher, bizServer, tokenOf } = await begin(stage);
    bizServer.allowed.add("ann asked");
    const claims = { rooms: ["named", "chat:*"], auto_join: ["lobby"] };
    const ann = await stage.client(nodes[0], {
      userId: "ann",
      token: await tokenOf("ann", claims),
    });
    const bob = await stage.client(nodes[1], {
      userId: "bob",
      token: await tokenOf("bob"),
      subprotocol: PROTO_SUBPROTOCOL,
    });
    expect(await ann.frame("joined")).toMatchObject({ room: "lobby" });
    for (const room of ["named", "chat:7", "asked"]) await ann.join(room);
    for (const room of ["named", "chat:7", "asked", "lobby"]) {
      await expect(bob.join(room)).rejects.toThrow("ROOM_FORBIDDEN");
    }
    await expect(ann.join("chat")).rejects.toThrow("ROOM_FORBIDDEN");
    expect(bizServer.asked).toContain("ann asked");
    expect(bizServer.asked).not.toContain("ann named");

    const rooms = ["named", "chat:7", "asked", "lobby", "chat"];
    for (const roomId of rooms) await publisher.pushToRoom({ roomId, content: `to ${roomId}` });
    await fence(publisher, [ann, bob]);
    expect(ann.texts.slice(0, 4)).toEqual(["to named", "to chat:7", "to asked", "to lobby"]);
    expect(bob.texts.filter((text) => text.startsWith("to "))).toEqual([]);
    const metrics = await nodes[1].metrics();
    expect(metrics.value("connect_node_join_refusals_total", { reason: "authz_denied" })).toBe(4);

    ann.send({ type: "token", token: await tokenOf("ann", { rooms: ["named"] }) });
    await ann.frame("token_accepted");
    const left = ann.frames.flatMap((frame) => (frame.type === "left" ? [frame.room] : []));
    expect(left.sort()).toEqual(["chat:7", "lobby"]);
  });

  it("is not had while the biz-server fails or is silent, and is remembered where it was", async ({
    stage,
  }) => {
    const { nodes, bizServer, tokenOf } = await begin(stage, { AUTHZ_TIMEOUT_MS: 1_500 });
    bizServer.allowed.add("ann r");
    const options = { userId: "ann", token: await tokenOf("ann") };
    const before = await stage.client(nodes[0], options);
    await before.join("r");
    for (const mood of ["failing", "silent"] as const) {
      bizServer.mood = mood;
      await expect(before.join("s")).rejects.toThrow("AUTHZ_UNAVAILABLE");
      const elsewhere = await stage.client(nodes[1], options);
      await expect(elsewhere.join("r")).rejects.toThrow("AUTHZ_UNAVAILABLE");
      await (await stage.client(nodes[0], options)).join("r");
    }
    const metrics = await nodes[0].metrics();
    expect(metrics.value("connect_node_authz_requests_total", { result: "allow" })).toBe(1);
    expect(metrics.value("connect_node_authz_requests_total", { result: "error" })).toBe(1);
    expect(metrics.value("connect_node_authz_requests_total", { result: "timeout" })).toBe(1);
    expect(metrics.value("connect_node_authz_cached_total")).toBe(2);
  });

  it("comes with JoinRoom as a ticket, by which a client joins again at another node until LeaveRoom", async ({
    stage,
  }) => {
    const { nodes, publisher, tokenOf } = await begin(stage, {
      AUTHZ_URL: undefined,
      AUTHZ_TOKEN_FILE: undefined,
    });
    const optionsOf = async (userId: string) => ({ userId, token: await tokenOf(userId) });
    const ann = await stage.client(nodes[0], await optionsOf("ann"));
    await publisher.joinRoom("ann", "club");
    const { ticket = "" } = await ann.frame("joined");
    expect(ticket).toMatch(/^[\w-]{52}$/);
    const again = await stage.client(nodes[1], await optionsOf("ann"));
    await expect(again.join("club")).rejects.toThrow("ROOM_FORBIDDEN");
    expect(await again.join("club", ticket)).toMatchObject({ ticket: expect.any(String) });
    const thief = await stage.client(nodes[1], await optionsOf("bob"));
    await expect(thief.join("club", ticket)).rejects.toThrow("ROOM_FORBIDDEN");

    await publisher.leaveRoom("ann", "club");
    await again.frame("left");
    for (const node of nodes) {
      const client = await stage.client(node, await optionsOf("ann"));
      await expect(client.join("club", ticket)).rejects.toThrow("ROOM_FORBIDDEN");
    }
  });

  it("outlives a change of the ticket secrets that keeps the old one for a while", async ({
    stage,
  }) => {
    const { nodes, publisher, tickets, tokenOf } = await begin(stage, {
      LOG_LEVEL: "info",
      FILES_CHECK_SECONDS: 0.1,
    });
    const options = { userId: "ann", token: await tokenOf("ann") };
    const ann = await stage.client(nodes[0], options);
    let changes = 0;
    const change = async (content: string) => {
      tickets.write(content);
      changes += 1;
      for (const { process } of nodes) {
        const reads = () =>
          process.logLines.filter(({ msg }) => msg === "files have changed and are in use");
        await until("the node has read the file again", () => reads().length === changes);
      }
    };
    const [first, second] = [newTicketSecret(), newTicketSecret()];
    await change(first);
    await publisher.joinRoom("ann", "club");
    const { ticket: old = "" } = await ann.frame("joined");
    await change(`${second}${first}`);
    const elsewhere = await stage.client(nodes[1], options);
    const { ticket: renewed = "" } = await elsewhere.join("club", old);
    await change(second);
    const later = await stage.client(nodes[0], options);
    await expect(later.join("club", old)).rejects.toThrow("ROOM_FORBIDDEN");
    expect(await later.join("club", renewed)).toHaveProperty("ticket");
  });

  it("is kept by the client over nodes, and asked for again while the biz-server is away", async ({
    stage,
  }) => {
    const { nodes, publisher, bizServer, tokenOf } = await begin(stage);
    bizServer.allowed.add("ann asked");
    let url = nodes[0].wsUrl;
    await nodes[0].warm();
    await nodes[1].warm();
    const client = connect({
      url: () => url,
      token: () => tokenOf("ann"),
      WebSocket: WebSocket as never,
      minDelayMs: 50,
      maxDelayMs: 200,
      onGap: () => {},
    });
    stage.atEnd(() => client.close());
    const texts: string[] = [];
    const listen = (room: ReturnType<typeof client.room>) => {
      room.on("message", ({ content }) => texts.push(String(content)));
      return room;
    };
    const rooms: string[] = [];
    client.on("room", (room) => rooms.push(listen(room).name));
    const asked = listen(client.room("asked"));
    await until("the client is in the room", () => asked.state.state === "joined");
    await publisher.joinRoom("ann", "club");
    await until("it was put into the other", () => rooms.includes("club"));

    bizServer.mood = "failing";
    url = nodes[1].wsUrl;
    await nodes[0].process.stop();
    const failures = async () =>
      (await nodes[1].metrics()).value("connect_node_join_refusals_total", {
        reason: "authz_unavailable",
      });
    await until("the client has asked again and again", async () => (await failures()) >= 2);
    await publisher.pushToRoom({ roomId: "club", content: "by ticket" });
    await until("the ticket has let it in", () => texts.includes("by ticket"));
    expect(asked.state.state).toBe("joined");
    bizServer.mood = "well";
    await until("the biz-server has let it in again", async () => {
      await publisher.pushToRoom({ roomId: "asked", content: "back again" });
      return texts.includes("back again");
    });
  });

  it("leaves no session to a token whose claims are wrong", async ({ stage }) => {
    const { nodes, tokenOf } = await begin(stage, { MAX_ROOMS_PER_SESSION: 2 });
    await nodes[0].warm();
    const port = Number(new URL(nodes[0].wsUrl).port);
    for (const claims of [
      { rooms: "lobby" },
      { rooms: ["*"] },
      { rooms: ["a*b"] },
      { auto_join: ["two\nlines"] },
      { auto_join: ["a", "b", "c"] },
    ]) {
      const headers = { Authorization: `Bearer ${await tokenOf("ann", claims)}` };
      const { status, body, socket } = await handshake(port, { path: "/ws", headers });
      socket.destroy();
      expect(status).toBe(403);
      expect(JSON.parse(body).error.code).toBe("CLAIM_FORBIDDEN");
    }
  });
});

describe.concurrent("files of secrets", { timeout: 60_000 }, () => {
  it.for([
    ["TICKET_SECRET_FILE", "too short\n", "cannot be used: it has a secret of less than 32 bytes"],
    ["AUTHZ_TOKEN_FILE", "two words\n", "cannot be used: it is no bearer token"],
  ] as const)(
    "that cannot be used end the start: %s",
    async ([setting, content, problem], { stage }) => {
      const file = new TestFile(content);
      stage.atEnd(() => file.close());
      const settings = {
        REGISTRY: "memory",
        AUTHZ_URL: "http://127.0.0.1:1/",
        [setting]: file.path,
      };
      const { code, stderr } = await stage.process("connect-node", settings).exited;
      expect(code).toBe(78);
      expect(JSON.parse(stderr).errors).toEqual([{ setting, problem }]);
      expect(stderr).not.toContain(content.trim());
    },
  );
});
