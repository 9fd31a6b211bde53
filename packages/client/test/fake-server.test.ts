import { describe, expect, it } from "vitest";
import { type ConnectOptions, connect } from "../src/index.ts";
import { FakeServer } from "../src/testing/index.ts";

/** An app: it joins a room and notes what it is told. */
async function app(server: FakeServer, options: Partial<ConnectOptions> = {}) {
  const noted: string[] = [];
  const client = connect({
    ...server.options,
    userId: "ann",
    onGap: ({ room = "self", reason }) => noted.push(`gap ${room} ${reason}`),
    ...options,
  });
  const note = ({ content }: { content: unknown }) => noted.push(JSON.stringify(content));
  client.self.on("message", note);
  const room = client.room("room");
  room.on("message", note);
  client.on("room", ({ name }) => noted.push(`given ${name}`));
  await server.settle();
  return { client, room, news: () => noted.splice(0) };
}

describe("the fake server", () => {
  it("takes clients, and knows who is in which rooms", async () => {
    const server = new FakeServer();
    const { client } = await app(server);
    expect(client.state).toMatchObject({ state: "open", userId: "ann", nodeId: "fake-node" });
    expect(server.sessions).toEqual([{ userId: "ann", rooms: ["room"] }]);
    client.close();
    expect(server.sessions).toEqual([]);
  });

  it("delivers text, JSON and bytes to a room, a user and all", async () => {
    const server = new FakeServer();
    const { news } = await app(server);
    await server.pushToRoom("room", "text");
    await server.pushToRoom("elsewhere", "not here");
    await server.pushToUser("ann", { a: 1 });
    await server.pushToUser("bob", "not for ann");
    await server.broadcast(new Uint8Array([1, 2]));
    await server.broadcast("<b>", { contentType: "text/html", ephemeral: true });
    expect(news()).toEqual(['"text"', '{"a":1}', '{"0":1,"1":2}', '"<b>"']);
  });

  it("replays what a client missed while it was away, and says what is lost", async () => {
    const server = new FakeServer();
    const { client, news } = await app(server);
    await server.stop();
    expect(client.state).toMatchObject({ state: "closed", name: "LOST", retry: true });
    await server.pushToRoom("room", "missed");
    await server.pushToUser("ann", "missed, too");
    await server.broadcast("gone", { ephemeral: true });
    server.start();
    await server.advance(60_000);
    expect(news()).toEqual(['"missed, too"', '"missed"']);
    await server.stop();
    await server.pushToRoom("room", "forgotten");
    await server.forget();
    server.start();
    await server.advance(60_000);
    expect(news()).toEqual(["gap self away", "gap room away"]);
    await server.forget();
    await server.drop(1012);
    await server.advance(60_000);
    expect(news()).toEqual([]);
  });

  it("drains without the client being closed", async () => {
    const server = new FakeServer();
    const { client, news } = await app(server);
    const states: string[] = [];
    client.on("state", ({ state }) => states.push(state));
    await server.drain(1_000);
    await server.advance(1_000);
    await server.pushToRoom("room", "after");
    expect(states).toEqual(["open"]);
    expect(news()).toEqual(['"after"']);
    expect(server.sessions).toHaveLength(1);
  });

  it("says gaps, refuses rooms, and joins and disconnects users as the biz-server does", async () => {
    const server = new FakeServer();
    const { client, room, news } = await app(server);
    await server.gap("room");
    await server.gap();
    expect(news()).toEqual(["gap room lost", "gap self lost", "gap room lost"]);
    server.refuseRoom("vip");
    const vip = client.room("vip");
    await server.settle();
    expect(vip.state).toMatchObject({ state: "refused", code: "ROOM_FORBIDDEN" });
    server.allowRoom("vip");
    await server.joinRoom("ann", "vip");
    expect(news()).toEqual(["given vip"]);
    await server.leaveRoom("ann", "room");
    expect(room.state).toEqual({ state: "left", by: "server" });
    await server.disconnectUser("ann", 4410, "bye");
    expect(client.state).toMatchObject({ name: "DISCONNECTED", reason: "bye", retry: false });
  });

  it("lets a user stay in a refused room into which the biz-server has put them", async () => {
    const server = new FakeServer();
    const { WebSocket, url } = server.options;
    const socket = new WebSocket(`${url}?user_id=ann`, []);
    const types: string[] = [];
    socket.addEventListener("message", ({ data }) => types.push(JSON.parse(String(data)).type));
    const join = () => socket.send(JSON.stringify({ type: "join", id: 1, room: "vip" }));
    server.refuseRoom("vip");
    join();
    await server.joinRoom("ann", "vip");
    join();
    await server.settle();
    expect(types).toEqual(["welcome", "error", "joined", "joined"]);
  });

  it("takes tokens, and says when they expire", async () => {
    const server = new FakeServer();
    const claims = (exp: number) => btoa(JSON.stringify({ sub: "ann", exp }));
    const now = server.clock.now() / 1000;
    const tokens = [claims(now + 60), claims(now + 120), claims(now + 600)];
    const token = () => `h.${tokens.shift()}.s`;
    const { client } = await app(server, { token, onWarning: () => {} });
    expect(server.sessions).toMatchObject([{ userId: "ann" }]);
    await server.advance(55_000);
    expect(tokens).toHaveLength(1);
    server.takesTokens = false;
    await server.advance(60_000);
    expect(tokens).toHaveLength(0);
    expect(client.state.state).toBe("open");
  });

  it("is offline when the device is", async () => {
    const server = new FakeServer();
    const { client } = await app(server);
    server.network.isOnline = false;
    await server.drop();
    await server.advance(29_000);
    expect(client.state.state).toBe("closed");
    server.network.isOnline = true;
    await server.settle();
    expect(client.state.state).toBe("open");
  });

  it.each([
    { random: () => 0, waits: [500, 500, 500, 500] },
    { random: () => 0.5, waits: [750, 1250, 2250, 4250] },
  ])(
    "is waited for the shortest times, or for those of the test's own `random`",
    async ({ random, waits }) => {
      const server = new FakeServer();
      const { client } = await app(server, { random });
      const waited: number[] = [];
      client.on("state", (state) => {
        if (state.state === "closed" && state.retry) waited.push(state.retryInMs);
      });
      await server.stop();
      await server.advance(10_000);
      expect(waited.slice(0, 4)).toEqual(waits);
    },
  );
});
