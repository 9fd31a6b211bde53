import { describe, expect, test } from "vitest";
import { type Client, CODECS, EPOCH_A, Stage } from "../test/stage.ts";

const heads = (seq: number) => new Map([[EPOCH_A, seq]]);

/** A client with so much queued that it lags. */
async function makeLag(stage: Stage, client: Client): Promise<void> {
  client.stop();
  stage.push({ userIds: [client.session.userId], text: "x".repeat(70_000) });
  await stage.turn();
  expect(client.session.lagging).toBe(true);
  client.news();
}

describe("open", () => {
  test("says welcome with the node's head, in the session's subprotocol", () => {
    const stage = new Stage();
    stage.push({ text: "before" });
    for (const codec of Object.values(CODECS)) {
      const client = stage.open("a", { codec });
      expect(client.frames).toEqual([
        {
          type: "welcome",
          sessionId: client.session.id,
          userId: "a",
          nodeId: "node-1",
          position: heads(1),
          heartbeatMs: 25_000,
        },
      ]);
    }
  });

  test("gives each session an id of its own", () => {
    const stage = new Stage();
    expect(stage.open("a").session.id).not.toBe(stage.open("a").session.id);
  });
});

describe("join", () => {
  test("is answered with the head, and with the id only if one was sent", () => {
    const stage = new Stage();
    const client = stage.open("a");
    stage.push({ roomId: "r" });
    client.news();
    client.send({ type: "join", id: 0, room: "r" });
    client.send({ type: "join", room: "s" });
    expect(client.news()).toEqual([
      { type: "joined", id: 0, room: "r", position: heads(1) },
      { type: "joined", room: "s", position: heads(1) },
    ]);
  });

  test("of a room that it is in says the position up to which the room has been written", async () => {
    const stage = new Stage();
    const client = stage.open("a", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "1" });
    client.news();
    client.send({ type: "join", id: 1, room: "r" });
    expect(client.news()).toMatchObject([
      { type: "message", id: `${EPOCH_A}-1` },
      { type: "joined", id: 1, position: heads(1) },
    ]);
    await makeLag(stage, client);
    stage.push({ roomId: "elsewhere" }, { roomId: "r", text: "not written" });
    client.send({ type: "join", id: 2, room: "r" });
    expect(client.news()).toMatchObject([{ type: "joined", id: 2, position: heads(3) }]);
    client.read();
    await stage.settle();
    expect(client.news()).toMatchObject([{ type: "message", id: `${EPOCH_A}-4` }]);
  });

  test("of a room that a lagging session is in tells of a gap before the position goes beyond it", async () => {
    const stage = new Stage({ LOG_BYTES: 73_000 });
    const client = stage.open("a", { rooms: ["r"] });
    await makeLag(stage, client);
    stage.push({ roomId: "r", text: "1" });
    stage.push({ text: "x".repeat(72_000) });
    client.send({ type: "join", room: "r" });
    expect(client.news()).toMatchObject([
      { type: "gap", scope: "room", room: "r" },
      { type: "joined", room: "r" },
    ]);
  });

  test("with a position is not recovered: the position stands for the gap, and nothing old follows", async () => {
    const stage = new Stage();
    const client = stage.open("a", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "1" });
    client.news();
    const other = "00000000000000ee";
    const position = new Map([
      [EPOCH_A, 0],
      [other, 7],
    ]);
    client.send({ type: "join", id: 1, room: "r", position, awayMs: 0 });
    await stage.settle();
    expect(client.news()).toEqual([
      {
        type: "joined",
        id: 1,
        room: "r",
        recovered: false,
        position: new Map([
          [EPOCH_A, 1],
          [other, 7],
        ]),
      },
    ]);
    stage.push({ roomId: "r", text: "2" });
    await stage.turn();
    expect(client.texts()).toEqual(["2"]);
    expect(await stage.metric("connect_node_recoveries_total", { recovered: "false" })).toBe(1);
  });

  test("beyond MAX_ROOMS_PER_SESSION is refused, and the session lives on", async () => {
    const stage = new Stage({ MAX_ROOMS_PER_SESSION: 2 });
    const client = stage.open("a", { rooms: ["r", "s"] });
    client.news();
    client.send({ type: "join", id: 3, room: "t" });
    client.send({ type: "join", id: 4, room: "r" });
    client.send({ type: "leave", room: "s" });
    client.send({ type: "join", id: 5, room: "t" });
    expect(client.news()).toMatchObject([
      { type: "error", id: 3, code: "TOO_MANY_ROOMS", message: expect.stringContaining("2 rooms") },
      { type: "joined", id: 4 },
      { type: "left" },
      { type: "joined", id: 5 },
    ]);
    const reason = "TOO_MANY_ROOMS";
    expect(await stage.metric("connect_node_rejections_total", { reason })).toBe(1);
  });
});

describe("leave", () => {
  test("is answered also for a room that the session is not in", () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    client.send({ type: "leave", id: 1, room: "r" });
    expect(client.news()).toEqual([{ type: "left", id: 1, room: "r" }]);
  });

  test("drops what the log holds for a lagging session", async () => {
    const stage = new Stage();
    const client = stage.open("a", { rooms: ["r", "s"] });
    await makeLag(stage, client);
    stage.push({ roomId: "r", text: "dropped" }, { roomId: "s", text: "kept" });
    client.send({ type: "leave", room: "r" });
    client.read();
    await stage.settle();
    expect(client.texts()).toEqual(["<left>", "kept"]);
  });
});

describe("a session that will resume", () => {
  test("gets nothing of self, but its rooms, until its resume", async () => {
    const stage = new Stage();
    const client = stage.open("a", { resumes: true, rooms: ["r"] });
    client.news();
    expect(stage.push({ text: "1" })).toMatchObject([{ delivered: 0, lagging: 1 }]);
    stage.push({ roomId: "r", text: "2" });
    await stage.settle();
    expect(client.texts()).toEqual(["2"]);
    client.send({ type: "resume", id: 1, position: new Map(), awayMs: 0 });
    stage.push({ text: "3" });
    await stage.settle();
    expect(client.news()).toMatchObject([
      { type: "resumed", id: 1, recovered: false, position: heads(2) },
      { type: "message", id: `${EPOCH_A}-3` },
    ]);
  });

  test("gets after 5 s without a resume what came since it opened", async () => {
    const stage = new Stage();
    stage.push({ text: "before" });
    const client = stage.open("a", { resumes: true });
    client.news();
    stage.push({ text: "1" }, { userIds: ["a"], text: "2" });
    stage.clock.advance(4_999);
    await stage.settle();
    expect(client.texts()).toEqual([]);
    stage.clock.advance(1);
    await stage.settle();
    stage.push({ text: "3" });
    await stage.settle();
    expect(client.texts()).toEqual(["1", "2", "3"]);
    expect(stage.core.hub.everyone.behind).toBe(0);
  });

  test("may resume after the hold, and be closed during it", async () => {
    const stage = new Stage();
    const late = stage.open("a", { resumes: true });
    const gone = stage.open("b", { resumes: true });
    stage.core.sessions.ended(gone.session);
    stage.clock.advance(5_000);
    await stage.settle();
    late.news();
    late.send({ type: "resume", position: new Map(), awayMs: 0 });
    stage.push({ text: "1" });
    await stage.settle();
    expect(late.texts()).toEqual(["<resumed>", "1"]);
    expect(stage.core.hub.everyone.behind).toBe(0);
  });
});

describe("other frames", () => {
  test("a token is answered by an error with AUTH_MODE=none, and a ping by a pong", () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    client.send({ type: "token", token: "abc" });
    client.send({ type: "ping" });
    expect(client.news()).toEqual([
      { type: "error", code: "BAD_REQUEST", message: expect.stringContaining("AUTH_MODE is none") },
      { type: "pong" },
    ]);
  });

  test("what is wrong in a frame is answered by an error, what is no frame closes with 4400", () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    const receive = (text: string, isBinary = false) => {
      void stage.core.sessions.receive(client.session, Buffer.from(text), isBinary);
    };
    receive('{"type":"dance","id":3}');
    receive('{"type":"join","id":4,"room":""}');
    expect(client.news()).toMatchObject([
      { type: "error", id: 3, code: "UNKNOWN_TYPE" },
      { type: "error", id: 4, code: "ROOM_INVALID" },
    ]);
    expect(client.socket.closed).toBeUndefined();
    receive("no json");
    expect(client.socket.closed?.code).toBe(4400);
    // What comes behind it is not served.
    receive('{"type":"ping"}');
    expect(client.news()).toEqual([]);
  });

  test("a client that asks and does not read is not read from until it does", () => {
    const stage = new Stage({ SESSION_BUFFER_BYTES: 1_024 });
    const client = stage.open("a");
    client.stop();
    let asked = 0;
    for (; client.socket.reading && asked < 1_000; asked += 1) client.send({ type: "ping" });
    expect(asked).toBeGreaterThan(50);
    expect(asked).toBeLessThan(1_000);
    expect(client.socket.queuedBytes).toBeLessThan(2_100);
    client.read();
    expect(client.socket.reading).toBe(true);
  });
});

describe("close", () => {
  test("what is pending is written before the server closes a session", async () => {
    const stage = new Stage();
    const client = stage.open("a", { rooms: ["r"] });
    client.news();
    stage.push({ roomId: "r", text: "1" }, { text: "2", ephemeral: true });
    stage.core.sessions.close(client.session, { code: 1011, reason: "" });
    expect(client.texts().sort()).toEqual(["1", "2"]);
    expect(client.socket.closed?.code).toBe(1011);
    stage.push({ roomId: "r", text: "3" });
    await stage.settle();
    expect(client.texts()).toEqual([]);
    expect(await stage.metric("connect_node_closes_total", { code: "1011" })).toBe(1);
  });

  test("is done once", async () => {
    const stage = new Stage();
    const client = stage.open("a");
    stage.core.sessions.close(client.session, { code: 1011, reason: "" });
    stage.core.sessions.close(client.session, { code: 1012, reason: "" });
    stage.core.sessions.ended(client.session);
    expect(client.socket.closed?.code).toBe(1011);
    expect(await stage.metric("connect_node_closes_total", { code: "1012" })).toBe(0);
  });

  test("ends with 4409 a session that has lagged for longer than LAG_SECONDS", async () => {
    const stage = new Stage({ LAG_SECONDS: 30 });
    const [slow, recovered] = [stage.open("slow"), stage.open("recovered")];
    await makeLag(stage, slow);
    await makeLag(stage, recovered);
    stage.clock.advance(20_000);
    recovered.read();
    await stage.settle();
    await makeLag(stage, recovered);
    stage.clock.advance(10_000);
    stage.core.housekeep();
    expect(slow.socket.closed).toBeUndefined();
    stage.clock.advance(1);
    stage.core.housekeep();
    expect(slow.socket.closed?.code).toBe(4409);
    expect(recovered.socket.closed).toBeUndefined();
  });
});

describe("frames of a client", () => {
  test("beyond burst and rate close the session with 4429, and none is served after that", async () => {
    const stage = new Stage({ FRAME_BURST: 3, FRAME_RATE: 2 });
    const { sessions } = stage.core;
    const client = stage.open("a");
    const sent = (times: number) =>
      Array.from({ length: times }, () => sessions.countFrame(client.session));
    expect(sent(3)).toEqual([true, true, true]);
    stage.clock.advance(1_000);
    expect(sent(2)).toEqual([true, true]);
    expect(client.socket.closed).toBeUndefined();
    expect(sent(2)).toEqual([false, false]);
    expect(client.socket.closed?.code).toBe(4429);
    expect(await stage.metric("connect_node_closes_total", { code: "4429" })).toBe(1);
    stage.clock.advance(10_000);
    expect(sent(1)).toEqual([false]);
  });
});

describe("a heartbeat", () => {
  test("closes with 4408 who gave no sign of life for two", async () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    const beat = () => stage.core.sessions.heartbeat(client.session);
    beat();
    beat();
    expect(client.socket.closed).toBeUndefined();
    beat();
    expect(client.socket.closed?.code).toBe(4408);
    expect(client.texts()).toEqual(["<ping frame>", "<ping frame>"]);
  });

  test("takes a pong and any frame for a sign of life", () => {
    const stage = new Stage();
    const client = stage.open("a");
    for (let round = 0; round < 5; round += 1) {
      stage.core.sessions.heartbeat(client.session);
      stage.core.sessions.heartbeat(client.session);
      if (round % 2 === 0) stage.core.sessions.alive(client.session);
      else client.send({ type: "ping" });
    }
    expect(client.socket.closed).toBeUndefined();
  });

  test("does not judge a session that lags: its pongs stand behind what it has not read", async () => {
    const stage = new Stage();
    const client = stage.open("a");
    await makeLag(stage, client);
    for (let round = 0; round < 5; round += 1) stage.core.sessions.heartbeat(client.session);
    expect(client.socket.closed).toBeUndefined();
    expect(client.news()).toEqual([]);
  });
});

describe("a heartbeat after a lag", () => {
  test("takes the drain for a sign of life, whatever was not answered before", async () => {
    const stage = new Stage();
    const client = stage.open("a");
    stage.core.sessions.heartbeat(client.session);
    stage.core.sessions.heartbeat(client.session);
    await makeLag(stage, client);
    client.read();
    await stage.turn();
    expect(client.session.lagging).toBe(false);
    stage.core.sessions.heartbeat(client.session);
    expect(client.socket.closed).toBeUndefined();
  });
});

describe("sayReconnect", () => {
  test("says the position after what is pending, and then when to come again", () => {
    const stage = new Stage();
    const client = stage.open("a", { rooms: ["r"] });
    client.news();
    stage.push({ roomId: "r", text: "1" }, { roomId: "elsewhere" });
    stage.core.sessions.sayReconnect(client.session, 700);
    expect(client.news()).toMatchObject([
      { type: "message", id: `${EPOCH_A}-1` },
      { type: "position", position: heads(2) },
      { type: "reconnect", afterMs: 700, reason: "drain" },
    ]);
  });

  test("says no position to a session that lags or holds self", async () => {
    const stage = new Stage();
    const [slow, held] = [stage.open("slow"), stage.open("held", { resumes: true })];
    await makeLag(stage, slow);
    held.news();
    for (const client of [slow, held]) {
      stage.core.sessions.sayReconnect(client.session, 0);
      expect(client.texts()).toEqual(["<reconnect>"]);
    }
  });

  test("says no position to a session whose socket is full before all of it is written", async () => {
    const stage = new Stage({ SESSION_BUFFER_BYTES: 1_024 });
    const client = stage.open("a");
    client.news();
    client.stop();
    for (let push = 0; push < 3; push += 1) stage.push({ text: "x".repeat(1_000) });
    stage.core.sessions.sayReconnect(client.session, 0);
    expect(client.news().map(({ type }) => type)).toEqual(["message", "reconnect"]);
    client.read();
    await stage.settle();
    expect(client.news().map(({ type }) => type)).toEqual(["message", "message"]);
  });
});
