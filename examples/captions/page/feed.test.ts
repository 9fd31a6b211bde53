import { on, once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Feed } from "./feed.js";

const EPOCH = "9f2c4e6a8b0d1357";
const ROOM = "talk:test:en";

/** One connection that a feed has opened: the node's end, which says what the test says. */
class Opened {
  readonly closed: Promise<number>;
  readonly #ws: WebSocket;
  readonly #requests: ReturnType<typeof on>;

  constructor(ws: WebSocket) {
    this.#ws = ws;
    this.#requests = on(ws, "message");
    this.closed = once(ws, "close").then(([code]) => code);
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  say(frame: object): void {
    this.#ws.send(JSON.stringify(frame));
  }

  caption(seq: number): void {
    const content = { kind: "caption", text: String(seq) };
    this.say({ type: "message", id: `${EPOCH}-${seq}`, room: ROOM, content, at: seq });
  }

  /** The next request of the page. */
  async request() {
    const { value } = await this.#requests.next();
    return JSON.parse(value[0].toString());
  }

  /** Lets it ask, and gives what it has asked for. */
  async welcome() {
    this.say({ type: "welcome", heartbeat_ms: 25_000 });
    return { resume: await this.request(), join: await this.request() };
  }

  answer({ resume, join }: Awaited<ReturnType<Opened["welcome"]>>): void {
    const { id, position } = join;
    this.say({ type: "resumed", id: resume.id, position: resume.position, recovered: true });
    this.say({ type: "joined", room: ROOM, id, position, recovered: true });
  }

  /** Resolves when the page has dealt with all that was said. */
  async heard(): Promise<void> {
    this.#ws.ping();
    await once(this.#ws, "pong");
  }

  terminate(): void {
    this.#ws.terminate();
  }
}

async function startNode(name: string) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const connections = on(server, "connection");
  return {
    name,
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    opened: async () => new Opened((await connections.next()).value[0]),
  };
}

/** A page that reads from the first of two nodes, and has had caption 1 there. */
async function reading() {
  const nodes = [await startNode("node-1"), await startNode("node-2")] as const;
  const captions: string[] = [];
  const feed = new Feed({
    userId: "ann",
    nodes,
    findNodes: async () => nodes,
    listener: {
      onState: () => {},
      onJoined: () => {},
      onMessage: ({ text }) => captions.push(String(text)),
      onMissed: () => captions.push("missed"),
    },
  });
  onTestFinished(() => feed.close());
  feed.read(ROOM);
  feed.connect("node-1");
  const first = await nodes[0].opened();
  first.answer(await first.welcome());
  first.caption(1);
  await first.heard();
  expect(captions).toEqual(["1"]);
  return { nodes, captions, feed, first };
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", WebSocket);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a feed that is told to reconnect", () => {
  it("leaves the old connection when the new one has answered, and repeats and misses nothing", async () => {
    const { nodes, captions, first } = await reading();
    first.say({ type: "reconnect", after_ms: 0, reason: "drain" });
    const second = await nodes[1].opened();
    first.caption(2);
    await first.heard();
    expect(captions).toEqual(["1", "2"]);

    const asked = await second.welcome();
    expect(asked.resume).toMatchObject({ type: "resume", position: {}, away_ms: 0 });
    const position = { [EPOCH]: 2 };
    expect(asked.join).toMatchObject({ type: "join", room: ROOM, position, away_ms: 0 });
    first.caption(3);
    first.say({ type: "gap", scope: "all", position: { [EPOCH]: 9 } });
    first.say({ type: "position", position: { [EPOCH]: 9 } });
    await first.heard();
    expect(captions).toEqual(["1", "2"]);
    expect(first.isOpen).toBe(true);

    second.answer(asked);
    second.caption(3);
    second.caption(4);
    expect(await first.closed).toBe(1000);
    await second.heard();
    expect(captions).toEqual(["1", "2", "3", "4"]);
  });

  it("listens to the old connection while no other node takes it", async () => {
    const { nodes, captions, first } = await reading();
    first.say({ type: "reconnect", after_ms: 0, reason: "drain" });
    (await nodes[1].opened()).terminate();
    const third = await nodes[0].opened();
    first.caption(2);
    await first.heard();
    expect(captions).toEqual(["1", "2"]);
    third.answer(await third.welcome());
    expect(await first.closed).toBe(1000);
  });

  it("asks again from the same position when the new connection ends without an answer", async () => {
    const { nodes, captions, first } = await reading();
    first.say({ type: "reconnect", after_ms: 0, reason: "drain" });
    const second = await nodes[1].opened();
    const { join } = await second.welcome();
    second.terminate();
    first.caption(2);
    await first.heard();
    expect(captions).toEqual(["1"]);

    const third = await nodes[0].opened();
    const asked = await third.welcome();
    expect(asked.join.position).toEqual(join.position);
    expect(asked.join.away_ms).toBeGreaterThan(0);
    third.answer(asked);
    third.caption(2);
    await third.heard();
    expect(captions).toEqual(["1", "2"]);
  });

  it("joins another room on the old connection while the new one is not there yet", async () => {
    const { nodes, feed, first } = await reading();
    first.say({ type: "reconnect", after_ms: 0, reason: "drain" });
    const second = await nodes[1].opened();
    feed.read("talk:test:de");
    expect(await first.request()).toEqual({ type: "leave", room: ROOM });
    expect(await first.request()).toMatchObject({ type: "join", room: "talk:test:de" });
    const { join } = await second.welcome();
    expect(join).toMatchObject({ type: "join", room: "talk:test:de", position: {} });
  });
});
