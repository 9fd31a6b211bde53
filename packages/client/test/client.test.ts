import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type Client, type ConnectOptions, connect, type Room } from "../src/index.ts";
import { A, answerJoin, answerResume, HEARTBEAT_MS, message, Scene } from "./scene.ts";
import { ScriptedServer, settle } from "./scripted-server.ts";

/** Records the client's states as words. */
function statesOf(client: Client): string[] {
  const states: string[] = [];
  client.on("state", (state) => {
    const { state: name } = state;
    states.push(name === "closed" ? `${state.name} ${state.retry ? state.retryInMs : "-"}` : name);
  });
  return states;
}

describe("connecting", () => {
  it("says who it is and which protocol it speaks", async () => {
    const scene = new Scene({ url: async () => "ws://node/ws?x=1", token: () => "h.p.s" });
    await settle();
    expect(scene.connection.url.href).toBe("ws://node/ws?x=1&user_id=anna");
    expect(scene.connection.protocols).toEqual(["pushcast.v1.json", "pushcast.token.h.p.s"]);
  });

  it("refuses options that cannot work", () => {
    const { WebSocket } = new ScriptedServer();
    const good = { url: "ws://node/ws", WebSocket, onGap: () => {} };
    const tried = (options: object) => () => connect({ ...good, ...options });
    expect(tried({ url: "no url" })).toThrow(TypeError);
    expect(tried({ url: "http://node/ws" })).toThrow(/must begin with ws:/);
    expect(tried({ minDelayMs: 0 })).toThrow(/minDelayMs/);
    expect(tried({ minDelayMs: 9, maxDelayMs: 8 })).toThrow(/maxDelayMs/);
    expect(tried({ frameRate: 0 })).toThrow(/frameRate/);
    expect(tried({ maxBuffered: Number.NaN })).toThrow(/maxBuffered/);
    expect(tried({ onGap: undefined })).toThrow(/onGap must be a function/);
    // @ts-expect-error whoever forgets it is told by the compiler
    expect(() => connect({ url: good.url, WebSocket })).toThrow(/onGap/);
  });

  it("tells its states, from the first connection over a resume to its end", async () => {
    const scene = new Scene();
    const states = statesOf(scene.client);
    expect(scene.client.state).toEqual({ state: "connecting" });
    const first = await scene.welcome();
    expect(scene.client.state).toEqual({
      state: "open",
      sessionId: "session-1",
      userId: "anna",
      nodeId: "node-1",
    });
    first.close(1012);
    await scene.untilRetried();
    const second = await scene.welcome();
    answerResume(second, { position: {}, recovered: true });
    scene.client.close();
    expect(states).toEqual(["open", "RESTART 500", "connecting", "resuming", "open", "NORMAL -"]);
    expect(second.closedByClient).toBe(1000);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("waits longer with each failure, and anew after all was answered", async () => {
    const scene = new Scene({ random: () => 0.999_999 });
    const waits: number[] = [];
    scene.client.on("state", (state) => {
      if (state.state === "closed" && state.retry) waits.push(state.retryInMs);
    });
    await settle();
    const fail = async () => {
      scene.connection.drop();
      await scene.untilRetried();
    };
    for (let failure = 0; failure < 8; failure += 1) await fail();
    expect(waits.splice(0)).toEqual([999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
    scene.room();
    await scene.welcome();
    await fail();
    expect(waits.splice(0)).toEqual([29999]);
    answerJoin(await scene.welcome(), { position: {} });
    answerResume(scene.connection, { position: {}, recovered: true });
    await fail();
    expect(waits).toEqual([999]);
  });

  it.each([4400, 4401, 4403, 4410])("does not come back by itself after %i", async (code) => {
    const scene = new Scene();
    (await scene.welcome()).close(code, "go");
    expect(scene.client.state).toMatchObject({ state: "closed", code, reason: "go", retry: false });
    scene.clock.advance(3_600_000);
    await settle();
    expect(scene.server.connections).toHaveLength(1);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it.each([1001, 1006, 1009, 1011, 1012, 4408, 4409, 4429, 4999])(
    "comes back after %i",
    async (code) => {
      const scene = new Scene();
      (await scene.welcome()).close(code);
      expect(scene.client.state).toMatchObject({ state: "closed", code, retry: true });
      await scene.untilRetried();
    },
  );

  it("resumes where it was when told to reconnect", async () => {
    const scene = new Scene();
    const first = await scene.welcome({ [A]: 3 });
    scene.client.reconnect();
    first.close(4403);
    expect(scene.client.state).toMatchObject({ name: "FORBIDDEN", retry: false });
    scene.client.reconnect();
    const second = await scene.welcome({ [A]: 9 });
    expect(scene.server.connections).toHaveLength(2);
    expect(second.last("resume").position).toEqual({ [A]: 3 });
  });

  it("tries again when the url function fails", async () => {
    let calls = 0;
    const url = () => {
      calls += 1;
      if (calls === 1) throw new Error("no address");
      return "ws://node/ws";
    };
    const scene = new Scene({ url });
    await settle();
    expect(scene.client.state).toMatchObject({ state: "closed", name: "LOST", retry: true });
    expect(scene.warnings).toMatchObject([{ code: "CONNECT_FAILED" }]);
    await scene.untilRetried();
  });

  it("gives up a connection that brings no welcome within 10 s", async () => {
    const scene = new Scene();
    await settle();
    const { connection } = scene;
    scene.clock.advance(10_000);
    expect(connection.isOpen).toBe(false);
    await scene.untilRetried();
  });

  it("opens no socket where the URL comes only after the client was closed", async () => {
    let give = (_url: string) => {};
    const url = new Promise<string>((resolve) => {
      give = resolve;
    });
    const scene = new Scene({ url: () => url });
    scene.client.close();
    give("ws://node/ws");
    await settle();
    expect(scene.server.connections).toEqual([]);
    expect(scene.client.state).toMatchObject({ name: "NORMAL", retry: false });
  });

  it("stays closed where the url function closes it", async () => {
    let isWanted = true;
    const scene: Scene = new Scene({
      url: () => {
        if (!isWanted) scene.client.close();
        return "ws://node/ws";
      },
    });
    const connection = await scene.welcome();
    isWanted = false;
    connection.drop();
    scene.clock.advance(500);
    await settle();
    expect(scene.client.state).toMatchObject({ name: "NORMAL", retry: false });
    expect(scene.server.connections).toHaveLength(1);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("takes an option that is undefined for one that is not there", async () => {
    const options = { subprotocol: undefined, random: undefined, onWarning: undefined };
    const scene = new Scene(options as object);
    const connection = await scene.welcome();
    expect(connection.protocols).toEqual(["pushcast.v1.json"]);
    connection.drop();
    expect(scene.client.state).toMatchObject({ retry: true });
  });
});

describe("the heartbeat", () => {
  const QUIET_MS = 2 * HEARTBEAT_MS + 5_000;

  it("pings a connection after a silence, and keeps it when anything comes", async () => {
    const scene = new Scene();
    const connection = await scene.welcome();
    scene.clock.advance(QUIET_MS - 1);
    connection.send({ type: "position", position: {} });
    scene.clock.advance(QUIET_MS - 1);
    expect(connection.received).toEqual([]);
    scene.clock.advance(1);
    expect(connection.received).toEqual([{ type: "ping" }]);
    scene.clock.advance(4_999);
    connection.send({ type: "pong" });
    scene.clock.advance(QUIET_MS - 1);
    expect(connection.isOpen).toBe(true);
  });

  it("takes a connection for dead that does not answer", async () => {
    const scene = new Scene();
    const connection = await scene.welcome({ [A]: 1 });
    scene.clock.advance(QUIET_MS + 5_000);
    expect(connection.isOpen).toBe(false);
    expect(scene.client.state).toMatchObject({ state: "closed", name: "LOST", retry: true });
    await scene.untilRetried();
    const second = await scene.welcome();
    expect(second.last("resume").away_ms).toBe(QUIET_MS + 5_000 + 500);
  });
});

describe("a hand-over", () => {
  async function handingOver() {
    const scene = new Scene();
    scene.room();
    const first = await scene.welcome({ [A]: 1 });
    answerJoin(first, { position: { [A]: 1 } });
    first.send({ type: "reconnect", after_ms: 1_234, reason: "drain" });
    return { scene, first, states: statesOf(scene.client) };
  }

  it("begins after the time that was said, and until then both hear", async () => {
    const { scene, first } = await handingOver();
    first.send({ type: "reconnect", after_ms: 0, reason: "drain" });
    scene.clock.advance(1_233);
    await settle();
    expect(scene.server.connections).toHaveLength(1);
    scene.clock.advance(1);
    await settle();
    expect(scene.server.connections).toHaveLength(2);
    first.send(message(A, 2));
    expect(scene.news()).toEqual(["room A-2"]);
    const second = await scene.welcome();
    expect(second.last("join").position).toEqual({ [A]: 2 });
  });

  it("closes the old connection when all is answered on the new one, and stays open", async () => {
    const { scene, first, states } = await handingOver();
    scene.clock.advance(1_234);
    const second = await scene.welcome();
    answerJoin(second, { position: { [A]: 1 }, recovered: true });
    expect(first.isOpen).toBe(true);
    answerResume(second, { position: { [A]: 1 }, recovered: true });
    expect(first.closedByClient).toBe(1000);
    expect(states).toEqual(["open"]);
    expect(scene.client.state).toMatchObject({ sessionId: "session-2" });
    expect(scene.news()).toEqual([]);
  });

  it("keeps the old connection no longer than 10 s beside the new one", async () => {
    const { scene, first } = await handingOver();
    scene.clock.advance(1_234);
    await scene.welcome();
    scene.clock.advance(9_999);
    expect(first.isOpen).toBe(true);
    scene.clock.advance(1);
    expect(first.closedByClient).toBe(1000);
  });

  it("goes on with the old connection while no new one can be had", async () => {
    const { scene, first, states } = await handingOver();
    scene.clock.advance(1_234);
    await settle();
    scene.connection.drop();
    first.send(message(A, 2));
    expect(scene.news()).toEqual(["room A-2"]);
    await scene.untilRetried();
    scene.connection.drop();
    expect(states).toEqual([]);
    first.close(1012);
    expect(states).toEqual([expect.stringMatching(/^RESTART /)]);
    await scene.untilRetried();
    expect((await scene.welcome()).last("join").position).toEqual({ [A]: 2 });
  });

  it("never has more than two connections", async () => {
    const { scene, first } = await handingOver();
    scene.clock.advance(1_234);
    const second = await scene.welcome();
    second.send({ type: "reconnect", after_ms: 0, reason: "rebalance" });
    scene.clock.advance(0);
    const third = await scene.welcome();
    expect(first.isOpen).toBe(false);
    expect(third.last("join").position).toEqual({ [A]: 1 });
    answerJoin(second, { position: { [A]: 1 }, recovered: true });
    second.send(message(A, 2));
    expect(scene.news()).toEqual([]);
    answerJoin(third, { position: { [A]: 1 }, recovered: true });
    answerResume(third, { position: { [A]: 1 }, recovered: true });
    expect(second.closedByClient).toBe(1000);
  });
});

describe("rooms", () => {
  async function open(options: Partial<ConnectOptions> = {}) {
    const scene = new Scene(options);
    const connection = await scene.welcome({ [A]: 1 });
    return { scene, connection };
  }

  function statesOfRoom(room: Room): string[] {
    const states: string[] = [room.state.state];
    room.on("state", ({ state }) => states.push(state));
    return states;
  }

  it("are joined once, with the ticket, and left once", async () => {
    const { scene, connection } = await open();
    const room = scene.client.room("room", { ticket: "t-1" });
    const states = statesOfRoom(room);
    expect(scene.client.room("room")).toBe(room);
    expect(connection.received).toEqual([{ type: "join", id: 1, room: "room", ticket: "t-1" }]);
    answerJoin(connection, { position: { [A]: 1 } });
    room.leave();
    room.leave();
    expect(connection.received.slice(1)).toEqual([{ type: "leave", id: 2, room: "room" }]);
    expect(states).toEqual(["joining", "joined", "left"]);
    expect(room.state).toEqual({ state: "left", by: "client" });
    expect(scene.client.room("room")).not.toBe(room);
  });

  it("are joined again over reconnects with the ticket of the server; those left are not", async () => {
    const { scene, connection } = await open();
    scene.room("one");
    const two = scene.room("two");
    const { id } = connection.last("join", "one");
    connection.send({ type: "joined", id, room: "one", position: { [A]: 1 }, ticket: "t-2" });
    connection.drop();
    two.leave();
    await scene.untilRetried();
    const second = await scene.welcome();
    expect(second.received.filter(({ type }) => type === "join")).toEqual([
      { type: "join", id: 4, room: "one", position: { [A]: 1 }, away_ms: 500, ticket: "t-2" },
    ]);
  });

  it("that the server refuses are told so, and not asked for again", async () => {
    const { scene, connection } = await open();
    const room = scene.room();
    const { id } = connection.last("join");
    connection.send({ type: "error", id, code: "ROOM_FORBIDDEN", message: "not you" });
    expect(room.state).toEqual({ state: "refused", code: "ROOM_FORBIDDEN", message: "not you" });
    expect(scene.client.state.state).toBe("open");
    connection.drop();
    await scene.untilRetried();
    expect((await scene.welcome()).received.map(({ type }) => type)).toEqual(["resume"]);
  });

  it("of which nobody could say whether they may be joined are asked for again, ever later", async () => {
    const { scene, connection } = await open({ random: () => 0.999_999 });
    const [room, gone] = [scene.room("room"), scene.room("gone")];
    const unavailable = (name: string) => {
      const { id } = connection.last("join", name);
      connection.send({ type: "error", id, code: "AUTHZ_UNAVAILABLE", message: "not now" });
    };
    const asked = () => connection.received.filter((frame) => frame.type === "join").length;
    unavailable("room");
    unavailable("gone");
    expect(room.state).toEqual({ state: "joining" });
    expect(scene.client.state.state).toBe("open");
    gone.leave();
    scene.clock.advance(998);
    expect(asked()).toBe(2);
    scene.clock.advance(1);
    expect(asked()).toBe(3);
    unavailable("room");
    scene.clock.advance(1_998);
    expect(asked()).toBe(3);
    scene.clock.advance(1);
    expect(asked()).toBe(4);
    answerJoin(connection, { position: {} });
    expect(room.state).toEqual({ state: "joined" });
    scene.clock.advance(20_000);
    expect(asked()).toBe(4);
  });

  it("that could not be joined again keep their position, and are not waited for after a close", async () => {
    const { scene, connection } = await open();
    scene.room();
    answerJoin(connection, { position: { [A]: 1 } });
    connection.drop();
    await scene.untilRetried();
    const second = await scene.welcome();
    const { id } = second.last("join");
    second.send({ type: "error", id, code: "AUTHZ_UNAVAILABLE", message: "not now" });
    second.send(message(A, 2));
    expect(scene.news()).toEqual([]);
    scene.clock.advance(500);
    expect(second.last("join")).toMatchObject({
      room: "room",
      position: { [A]: 1 },
      away_ms: 1000,
    });
    second.send({ ...second.last("join"), type: "error", code: "AUTHZ_UNAVAILABLE", message: "" });
    scene.client.close();
    scene.clock.advance(60_000);
    expect(second.received.filter(({ type }) => type === "join")).toHaveLength(2);
  });

  it("that the biz-server joined are told, and kept over reconnects until it takes them back", async () => {
    const { scene, connection } = await open();
    const rooms: Room[] = [];
    scene.client.on("room", (room) => {
      rooms.push(room);
      room.on("message", ({ id }) => scene.told.push(id));
    });
    connection.send({ type: "joined", room: "given", position: { [A]: 1 } });
    connection.send(message(A, 2, { room: "given" }));
    expect(scene.news()).toEqual([`${A}-2`]);
    connection.drop();
    await scene.untilRetried();
    const second = await scene.welcome();
    answerJoin(second, { position: { [A]: 2 }, recovered: true }, "given");
    second.send({ type: "left", room: "given" });
    expect(rooms.map(({ name, state }) => ({ name, ...state }))).toEqual([
      { name: "given", state: "left", by: "server" },
    ]);
    second.send(message(A, 3, { room: "given" }));
    expect(scene.news()).toEqual([]);
  });

  it("that the biz-server joins on the old connection of a hand-over are asked for on the new one", async () => {
    const { scene, connection } = await open();
    scene.room();
    answerJoin(connection, { position: { [A]: 1 } });
    connection.send({ type: "reconnect", after_ms: 0, reason: "drain" });
    scene.clock.advance(0);
    const second = await scene.welcome();
    connection.send({ type: "joined", room: "given", position: { [A]: 5 } });
    expect(second.last("join", "given")).toMatchObject({ position: { [A]: 5 }, away_ms: 0 });
  });

  it("are not left by a word of the server that it said before it read the join", async () => {
    const { scene, connection } = await open();
    const room = scene.room();
    connection.send({ type: "left", room: "room" });
    answerJoin(connection, { position: { [A]: 1 } });
    expect(room.state).toEqual({ state: "joined" });
    connection.send({ type: "left", room: "room" });
    expect(room.state).toEqual({ state: "left", by: "server" });
  });

  it("are not joined by a word of the server that it said before it read the leave", async () => {
    const { scene, connection } = await open();
    const told: string[] = [];
    scene.client.on("room", ({ name }) => told.push(name));
    scene.room().leave();
    connection.send({ type: "joined", room: "room", position: {} });
    expect(told).toEqual([]);
    connection.send({ type: "left", id: connection.last("leave").id, room: "room" });
    connection.send({ type: "joined", room: "room", position: {} });
    expect(told).toEqual(["room"]);
  });
});

describe("what the app is told", () => {
  it("content is text, JSON or bytes, as its type says", async () => {
    const scene = new Scene();
    const messages: unknown[] = [];
    scene.client.self.on("message", (received) => messages.push(received));
    const connection = await scene.welcome();
    const send = (seq: number, more: object) =>
      connection.send({ ...message(A, seq, {}), target: "all", ...more });
    send(1, { content_type: "text/plain; charset=utf-8", content: "good evening" });
    send(2, { content_type: "application/ld+json", content: { caption: null }, key: "k" });
    send(3, {
      content_type: "audio/ogg",
      content: "T2dnUw==",
      encoding: "base64",
      ephemeral: true,
    });
    const rest = { target: "all", at: 1_790_000_000_000, ephemeral: false };
    expect(messages).toEqual([
      {
        ...rest,
        id: `${A}-1`,
        contentType: "text/plain; charset=utf-8",
        kind: "text",
        content: "good evening",
      },
      {
        ...rest,
        id: `${A}-2`,
        contentType: "application/ld+json",
        kind: "json",
        content: { caption: null },
        key: "k",
      },
      {
        ...rest,
        id: `${A}-3`,
        contentType: "audio/ogg",
        kind: "binary",
        content: new TextEncoder().encode("OggS"),
        ephemeral: true,
      },
    ]);
  });

  it("frames of later versions are ignored, and what is no frame is warned of", async () => {
    const scene = new Scene();
    const connection = await scene.welcome();
    connection.send({ type: "dance" });
    expect(scene.warnings).toEqual([]);
    const malformed = [
      "hello",
      "[]",
      '{"type":7}',
      new Uint8Array(1),
      '{"type":"position","position":{"AA":1}}',
      '{"type":"position","position":{"aaaaaaaaaaaaaaaa":-1}}',
      '{"type":"gap","scope":"room","position":{}}',
      JSON.stringify({ ...message(A, 1), id: "a-1" }),
      JSON.stringify({ ...message(A, 1), content_type: "audio/ogg" }),
    ];
    for (const data of malformed) connection.sendRaw(data);
    expect(scene.warnings.map(({ code }) => code)).toEqual(malformed.map(() => "FRAME_MALFORMED"));
    expect(connection.isOpen).toBe(true);
  });

  it("a function that stopped listening is not called", async () => {
    const scene = new Scene();
    const ids: string[] = [];
    const stop = scene.client.self.on("message", ({ id }) => ids.push(id));
    const connection = await scene.welcome();
    connection.send(message(A, 1, {}));
    stop();
    connection.send(message(A, 2, {}));
    expect(ids).toEqual([`${A}-1`]);
  });

  it("a function that another one has stopped meanwhile is not called", async () => {
    const scene = new Scene();
    const heard: string[] = [];
    const stops: (() => void)[] = [];
    scene.client.self.on("message", () => {
      heard.push("first");
      stops[0]?.();
    });
    stops.push(scene.client.self.on("message", () => heard.push("second")));
    const connection = await scene.welcome();
    connection.send(message(A, 1, {}));
    expect(heard).toEqual(["first"]);
  });

  it("nothing is said of a room that was left as a gap was told", async () => {
    const scene = new Scene();
    const room = scene.room();
    const connection = await scene.welcome();
    answerJoin(connection, { position: { [A]: 1 } });
    scene.client.self.on("gap", () => room.leave());
    connection.send({ type: "gap", scope: "all", position: { [A]: 2 } });
    expect(scene.news()).toEqual(["gap self lost"]);
  });

  it("a listener that throws keeps nobody else from hearing, and its error is not swallowed", async () => {
    const thrown: (() => void)[] = [];
    vi.stubGlobal("queueMicrotask", (run: () => void) => thrown.push(run));
    onTestFinished(() => {
      vi.unstubAllGlobals();
    });
    const scene = new Scene();
    const connection = await scene.welcome();
    scene.client.self.on("message", () => {
      throw new Error("by the app");
    });
    const heard: string[] = [];
    scene.client.self.on("message", ({ id }) => heard.push(id));
    connection.send(message(A, 1, {}));
    expect(heard).toEqual([`${A}-1`]);
    expect(thrown).toHaveLength(1);
    expect(thrown[0]).toThrow("by the app");
  });

  it("a listener may close the client, and nothing comes after", async () => {
    const scene = new Scene();
    const connection = await scene.welcome();
    scene.client.self.on("message", () => scene.client.close());
    connection.send(message(A, 1, {}));
    connection.send(message(A, 2, {}));
    expect(scene.news()).toEqual(["self A-1"]);
    expect(scene.clock.pendingTimers).toBe(0);
  });
});
