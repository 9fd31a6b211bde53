import { FakeServer } from "@pushcast/client/testing";
import { createConnectNode, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { createPushManager, pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import { createRegistry, RegistryMemory } from "@pushcast/registry";
import { createLogger, requireSettings } from "@pushcast/runtime";
import { expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { ManagerClient } from "../support/manager-client.ts";
import { until } from "../support/until.ts";

type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

interface Push {
  readonly content: string | Uint8Array | object;
  readonly contentType?: string;
  readonly ephemeral?: boolean;
}

/** What the scene below does on either server. */
interface Side {
  connect(query: string): Session;
  pushToRoom(room: string, push: Push): Promise<unknown>;
  pushToUser(user: string, push: Push): Promise<unknown>;
  broadcast(push: Push): Promise<unknown>;
  joinRoom(user: string, room: string): Promise<unknown>;
  leaveRoom(user: string, room: string): Promise<unknown>;
  disconnectUser(user: string, code: number, reason: string): Promise<unknown>;
}

/** One connection without a client, and what came on it. */
class Session {
  readonly #frames: Frame[] = [];
  readonly #socket: Pick<WebSocket, "send">;
  #closed: object | undefined;

  constructor(Socket: FakeServer["options"]["WebSocket"], url: string) {
    const socket = new Socket(url, ["pushcast.v1.json"]);
    socket.addEventListener("message", ({ data }) => this.#frames.push(JSON.parse(String(data))));
    socket.addEventListener("close", ({ code, reason }) => {
      this.#closed = { code, reason };
    });
    this.#socket = socket;
    onTestFinished(() => socket.close());
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  async untilWelcome(): Promise<void> {
    await until("a welcome", () => this.#frames.length > 0);
  }

  /** Everything since the last call; the pong comes after it. */
  async news(): Promise<Frame[]> {
    this.send({ type: "ping" });
    await until("a pong", () => this.#frames.at(-1)?.type === "pong");
    // When a position is said is the server's affair.
    return this.#frames.splice(0).filter(({ type }) => type !== "pong" && type !== "position");
  }

  async end(): Promise<object | undefined> {
    await until("the end", () => this.#closed !== undefined);
    return this.#closed;
  }
}

/** Without what differs from run to run, and the words of errors. */
function plain({ message: _, ...frame }: Frame): object {
  const named =
    "session_id" in frame ? { ...frame, session_id: "session", node_id: "node" } : frame;
  const text = JSON.stringify("at" in named ? { ...named, at: typeof named.at } : named);
  return JSON.parse(text.replaceAll(/"[0-9a-f]{16}\b/g, '"epoch')) as object;
}

/** @returns what was sent, by what was done before it */
async function play(side: Side): Promise<object> {
  const told: Record<string, unknown> = {};
  const first = side.connect("?user_id=ann");
  const note = async (what: string, session = first) => {
    told[what] = (await session.news()).map(plain);
  };
  await first.untilWelcome();
  await note("welcome");
  first.send({ type: "join", id: 1, room: "r" });
  await note("join");
  await side.pushToRoom("r", { content: "text" });
  await side.pushToRoom("r", { content: { a: [1, null] } });
  await side.pushToRoom("r", { content: Uint8Array.of(0, 255) });
  await side.pushToRoom("r", { content: "<b>ÿ</b>", contentType: "Text/HTML; charset=utf-8" });
  await side.pushToRoom("r", { content: '"a string"', contentType: "application/json" });
  await side.pushToRoom("r", { content: "{}", contentType: "application/ld+json" });
  await side.pushToRoom("r", { content: Buffer.from("as bytes"), contentType: "text/plain" });
  await side.pushToRoom("r", { content: "named bytes", contentType: "image/png" });
  await side.pushToRoom("r", { content: "", ephemeral: true });
  await side.pushToRoom("elsewhere", { content: "not here" });
  await note("pushes to the room");
  await side.pushToUser("ann", { content: "for ann" });
  await side.pushToUser("bob", { content: "for bob" });
  await side.broadcast({ content: "for all" });
  await note("pushes to self");
  first.send({ type: "join", id: 2, room: "r" });
  await note("join again");
  first.send({ type: "join", id: 3, room: "r", position: {}, away_ms: 0 });
  await note("join with an empty position");
  first.send({ type: "leave", id: 4, room: "r" });
  first.send({ type: "leave", id: 5, room: "never joined" });
  first.send({ type: "leave", room: "without an id" });
  await side.pushToRoom("r", { content: "after leave" });
  await note("leave");
  await side.joinRoom("ann", "given");
  await side.joinRoom("ann", "given");
  await side.pushToRoom("given", { content: "given" });
  await side.leaveRoom("ann", "given");
  await side.leaveRoom("ann", "given");
  await note("rooms by the biz-server");
  const second = side.connect("?user_id=ann&resume=1");
  await second.untilWelcome();
  await side.pushToUser("ann", { content: "held" });
  await note("welcome to resume", second);
  second.send({ type: "resume", id: 1, position: {}, away_ms: 0 });
  await side.broadcast({ content: "live" });
  await note("resume", second);
  first.send({ type: "join", id: 6, room: "" });
  first.send({ type: "join", id: 7, room: "\u0007" });
  first.send({ type: "join", id: 8, room: "ÿ".repeat(129) });
  await note("rooms that cannot be");
  await side.disconnectUser("ann", 4010, "bye");
  told.end = await second.end();
  return told;
}

function fakeSide(): Side {
  const server = new FakeServer();
  const { url, WebSocket: FakeSocket } = server.options;
  const options = ({ content: _, ...rest }: Push) => rest;
  return {
    connect: (query) => new Session(FakeSocket, url + query),
    pushToRoom: (room, push) => server.pushToRoom(room, push.content, options(push)),
    pushToUser: (user, push) => server.pushToUser(user, push.content, options(push)),
    broadcast: (push) => server.broadcast(push.content, options(push)),
    joinRoom: (user, room) => server.joinRoom(user, room),
    leaveRoom: (user, room) => server.leaveRoom(user, room),
    disconnectUser: (...given) => server.disconnectUser(...given),
  };
}

/** A manager and a node in this process. */
async function realSide(): Promise<Side> {
  const logger = createLogger({ service: "test", level: "silent" });
  const env = {
    ...{ REGISTRY: "memory", AUTH_MODE: "none", LAG_SECONDS: "0.1", POD_NAME: "node-1" },
    ...{ GRPC_PORT: "0", OPS_PORT: "0", WS_PORT: "0" },
    ...{ DRAIN_ACCEPT_SECONDS: "0", DRAIN_SECONDS: "0" },
  };
  const registry = createRegistry({ kind: "memory", memory: new RegistryMemory() }, () => {});
  const managerSettings = requireSettings(pushManagerSettings, env, pushManagerChecks);
  const manager = createPushManager({ settings: managerSettings, registry, logger });
  const { ports } = await manager.start();
  const publisher = new ManagerClient(`127.0.0.1:${ports.grpc}`);
  const settings = requireSettings(nodeSettings, env, nodeChecks);
  const node = createConnectNode({ settings, registry, logger });
  const { ports: nodePorts } = await node.start();
  onTestFinished(async () => {
    publisher.close();
    await node.stop();
    await manager.stop();
    await registry.close();
  });
  await publisher.untilLinked(["node-1"]);
  const given = ({ content, contentType, ephemeral = false }: Push) => {
    const isJson = typeof content === "object" && !(content instanceof Uint8Array);
    const type =
      content instanceof Uint8Array ? "application/octet-stream" : isJson ? "application/json" : "";
    const bytes = isJson ? JSON.stringify(content) : content;
    return { content: Buffer.from(bytes as string), contentType: contentType ?? type, ephemeral };
  };
  return {
    connect: (query) => new Session(WebSocket, `ws://127.0.0.1:${nodePorts.ws}/ws${query}`),
    pushToRoom: (roomId, push) => publisher.pushToRoom({ roomId, ...given(push) }),
    pushToUser: (userId, push) => publisher.pushToUser({ userId, ...given(push) }),
    broadcast: (push) => publisher.broadcast(given(push)),
    joinRoom: (user, room) => publisher.joinRoom(user, room),
    leaveRoom: (user, room) => publisher.leaveRoom(user, room),
    disconnectUser: (...args) => publisher.disconnectUser(...args),
  };
}

it("the fake server of @pushcast/client says what a real node says", async () => {
  const real = await play(await realSide());
  expect(await play(fakeSide())).toEqual(real);
});
