import { once } from "node:events";
import { createConnection } from "node:net";
import { Client, credentials, status } from "@grpc/grpc-js";
import { ConnectNodeServiceService, type PushMessageBatchRequest } from "@pushcast/api";
import type { Registry } from "@pushcast/registry";
import {
  CLOSE_CODES,
  type ErrorCode,
  type HttpErrorCode,
  JSON_SUBPROTOCOL,
  PROTO_SUBPROTOCOL,
  type Subprotocol,
} from "@pushcast/wire";
import { describe, expect } from "vitest";
import type { HandshakeRequest } from "../support/handshake.ts";
import { type Given, refusal } from "../support/manager-client.ts";
import { it, type NodeStage } from "../support/node-stage.ts";
import { listServices } from "../support/reflection.ts";
import type { ScriptedManager } from "../support/scripted-manager.ts";
import { until } from "../support/until.ts";
import type { TestClient } from "../support/ws-client.ts";

const EPOCH = "00000000000000aa";
const SUBPROTOCOLS = [JSON_SUBPROTOCOL, PROTO_SUBPROTOCOL] as const;
const PROTOBUF_PING = Buffer.from([0x2a, 0x00]);

/** Waits until the client's answers are there to all that it has sent. */
async function roundTrip(client: TestClient): Promise<void> {
  const pongs = () => client.frames.filter(({ type }) => type === "pong").length;
  const before = pongs();
  client.send({ type: "ping" });
  await client.until("pong", () => pongs() > before);
}

function errorsOf(client: TestClient): (string | number)[][] {
  return client.frames.flatMap((frame) =>
    frame.type === "error" ? [frame.id === undefined ? [frame.code] : [frame.id, frame.code]] : [],
  );
}

/** A WebSocket connection of which the test writes the bytes. */
async function rawSocket(stage: NodeStage) {
  const { socket } = await stage.handshake();
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  return {
    write: (bytes: Buffer) => socket.write(bytes),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    until: async (bytes: Buffer) => {
      while (!received.includes(bytes)) await once(socket, "data");
    },
  };
}

/** A frame of less than 126 bytes as a client sends it, with a mask that changes nothing. */
function maskedFrame(firstByte: number, payload: string): Buffer {
  const head = [firstByte, 0x80 | payload.length, 0, 0, 0, 0];
  return Buffer.concat([Buffer.from(head), Buffer.from(payload)]);
}

async function untilSessions(
  stage: NodeStage,
  sessions: number,
  timeoutMs?: number,
): Promise<void> {
  const hasThem = async () => (await stage.metrics()).value("connect_node_sessions") === sessions;
  await until(`${sessions} sessions`, hasThem, timeoutMs);
}

describe.each(SUBPROTOCOLS)("a client of %s", (subprotocol) => {
  it("is welcomed, joins, gets what is pushed, and leaves", async ({ stage }) => {
    await stage.start();
    const manager = await stage.manager(EPOCH);
    await manager.push({ content: "before" });
    const client = await stage.client({ userId: "ann", subprotocol });
    expect(client.welcome).toMatchObject({
      userId: "ann",
      nodeId: "node-1",
      position: new Map([[EPOCH, 1]]),
      heartbeatMs: 25_000,
    });
    expect(await client.join("r")).toMatchObject({ room: "r", position: new Map([[EPOCH, 1]]) });
    const outcomes = await manager.push(
      { roomId: "r", content: "to the room" },
      { userIds: ["ann"], contentType: "application/json", content: '{"to":"ann"}' },
      { contentType: "audio/ogg", content: Buffer.from([0, 0xff]), ephemeral: true },
      { roomId: "elsewhere", content: "not for ann" },
    );
    expect(outcomes.map(({ seq }) => seq)).toEqual([2n, 3n, 4n]);
    await client.count(3);
    const byId = [...client.messages].sort((a, b) => a.id.localeCompare(b.id));
    expect(byId).toMatchObject([
      { id: `${EPOCH}-2`, room: "r", target: "room", contentType: "text/plain" },
      { id: `${EPOCH}-3`, target: "user", contentType: "application/json" },
      { id: `${EPOCH}-4`, target: "all", contentType: "audio/ogg", ephemeral: true },
    ]);
    expect(byId.map(({ content }) => Buffer.from(content).toString("latin1"))).toEqual([
      "to the room",
      '{"to":"ann"}',
      "\u0000\u00ff",
    ]);
    expect(await client.leave("r")).toMatchObject({ room: "r" });
    expect(await manager.push({ roomId: "r", content: "too late" })).toEqual([]);
    expect((await client.close()).code).toBe(1000);
    await untilSessions(stage, 0);
  });

  it("that stops reading gets everything in order later, while others are served", async ({
    stage,
  }) => {
    await stage.start();
    const manager = await stage.manager(EPOCH);
    const slow = await stage.client({ userId: "slow", subprotocol });
    const quick = await stage.client({ userId: "quick", subprotocol });
    await Promise.all([slow.join("r"), quick.join("r")]);
    const expected: string[] = [];
    const push = async () => {
      const content = `${expected.length}:`.padEnd(64 * 1024, "x");
      expected.push(content);
      return (await manager.push({ roomId: "r", content }))[0];
    };
    slow.pause();
    const lags = { sessionsDelivered: 1, sessionsLagging: 1 };
    // The system's buffers take some megabytes before the node notices.
    while ((await push())?.sessionsLagging !== 1) expect(expected.length).toBeLessThan(500);
    for (let more = 0; more < 50; more += 1) expect(await push()).toMatchObject(lags);
    await quick.count(expected.length);
    expect(slow.messages.length).toBeLessThan(expected.length - 50);
    expect((await stage.metrics()).value("connect_node_lagging_sessions")).toBe(1);

    slow.resume();
    await slow.count(expected.length);
    const isLagging = async () =>
      (await stage.metrics()).value("connect_node_lagging_sessions") > 0;
    await until("no session lags", async () => !(await isLagging()));
    expect(await push()).toMatchObject({ sessionsDelivered: 2, sessionsLagging: 0 });
    for (const client of [slow, quick]) {
      await client.count(expected.length);
      // Not the texts themselves: a failure would print megabytes.
      expect(client.texts.findIndex((text, index) => text !== expected[index])).toBe(-1);
      expect(client.messages).toHaveLength(expected.length);
    }
    expect((await stage.metrics()).sum("connect_node_gaps_total")).toBe(0);
  });
});

describe("a client that stops reading", () => {
  const CONTENT_BYTES = 64 * 1024;
  const MESSAGE_PUSHES = 16;

  /** Pushes numbered texts to the room until the session lags, and then as many again. */
  async function makeLag(manager: ScriptedManager, contentBytes = CONTENT_BYTES): Promise<number> {
    let count = 0;
    const push = async () => {
      const texts = Array.from({ length: MESSAGE_PUSHES }, (_, index) => `${count + index}:`);
      count += texts.length;
      const contents = texts.map((text) => ({ content: text.padEnd(contentBytes, "x") }));
      return (await manager.push(...contents.map((one) => ({ ...one, roomId: "r" })))).at(-1);
    };
    while ((await push())?.sessionsLagging !== 1) {
      // The system's buffers take some megabytes before the node notices.
      expect(count * contentBytes).toBeLessThan(64 * 1024 ** 2);
    }
    for (let messages = count / MESSAGE_PUSHES; messages > 0; messages -= 1) await push();
    return count;
  }

  async function slowClient(stage: NodeStage): Promise<TestClient> {
    const client = await stage.client("slow");
    await client.join("r");
    client.pause();
    return client;
  }

  it("is told of a gap for what the log could not hold, and the log keeps its bound", async ({
    stage,
  }) => {
    const logBytes = 1024 ** 2;
    await stage.start({ LOG_BYTES: String(logBytes) });
    const client = await slowClient(stage);
    const manager = await stage.manager(EPOCH);
    const pushed = await makeLag(manager);
    expect((await stage.metrics()).value("connect_node_log_bytes")).toBeLessThanOrEqual(logBytes);
    client.resume();
    await client.until(
      "the last",
      () => client.texts.at(-1)?.startsWith(`${pushed - 1}:`) ?? false,
    );
    const gap = await client.frame("gap");
    expect(gap).toMatchObject({ scope: "room", room: "r" });
    // Number n has seq n + 1: all behind the gap are above its position, and none is missing there.
    const lostThrough = gap.position.get(EPOCH) ?? 0;
    const numbers = client.texts.map((text) => Number.parseInt(text, 10));
    const before = numbers.filter((number) => number < lostThrough);
    expect(before.length).toBeLessThan(lostThrough);
    expect(before).toEqual([...before.keys()]);
    expect(numbers.slice(before.length)).toEqual(
      Array.from({ length: pushed - lostThrough }, (_, index) => lostThrough + index),
    );
    const evicted = { reason: "evicted" };
    expect((await stage.metrics()).value("connect_node_gaps_total", evicted)).toBe(1);
  });

  it("is filled also if it has less queued than Node would tell the drain of", async ({
    stage,
  }) => {
    await stage.start({ SESSION_BUFFER_BYTES: "1024" });
    const client = await slowClient(stage);
    const pushed = await makeLag(await stage.manager(EPOCH), 2_000);
    client.resume();
    await client.count(pushed);
    expect(client.texts.findIndex((text, index) => !text.startsWith(`${index}:`))).toBe(-1);
  });

  it("for longer than LAG_SECONDS is closed with 4409", async ({ stage }) => {
    await stage.start({ LAG_SECONDS: "30" });
    const client = await slowClient(stage);
    await makeLag(await stage.manager(EPOCH));
    stage.clock.advance(31_000);
    await untilSessions(stage, 0);
    expect((await stage.metrics()).value("connect_node_closes_total", { code: "4409" })).toBe(1);
    client.resume();
    expect((await client.closed).code).toBe(4409);
  });

  it("as its node stops still reads to the end, and its close frame", async ({ stage }) => {
    await stage.start();
    const client = await slowClient(stage);
    await makeLag(await stage.manager(EPOCH));
    const stopped = stage.stopNode();
    client.resume();
    expect((await client.closed).code).toBe(1012);
    await stopped;
  });

  it("with nothing to read is closed with 4408 after two heartbeats", async ({ stage }) => {
    await stage.start({ HEARTBEAT_MS: "16000" });
    const [silent, alive] = [await stage.client("silent"), await stage.client("alive")];
    silent.pause();
    for (let heartbeat = 0; heartbeat < 3; heartbeat += 1) {
      await stage.pass(16_000, 1_000);
      await roundTrip(alive);
    }
    await untilSessions(stage, 1);
    expect((await stage.metrics()).value("connect_node_closes_total", { code: "4408" })).toBe(1);
    silent.resume();
    expect((await silent.closed).code).toBe(4408);
    await roundTrip(alive);
  });
});

describe("a frame that is wrong is answered by an error, and the session goes on", () => {
  const entries = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, n) => [n.toString(16).padStart(16, "0"), n]),
    );
  const withPosition = (position: unknown) => ({
    type: "join",
    id: 99,
    room: "r",
    position,
    away_ms: 0,
  });
  const json: [object, (string | number)[]][] = [
    [{ type: "dance", id: 99 }, [99, "UNKNOWN_TYPE"]],
    [{ type: "welcome" }, ["UNKNOWN_TYPE"]],
    [{ type: "join", id: 99, room: "" }, [99, "ROOM_INVALID"]],
    [{ type: "join", id: 99, room: "é".repeat(150) }, [99, "ROOM_INVALID"]],
    [{ type: "join", id: 99, room: "a\u0000b" }, [99, "ROOM_INVALID"]],
    [{ type: "join", id: 99, room: "a\u0085b" }, [99, "ROOM_INVALID"]],
    [{ type: "leave", id: 99, room: "\n" }, [99, "ROOM_INVALID"]],
    [{ type: "join", id: 99 }, [99, "BAD_REQUEST"]],
    [{ type: "join", id: 99, room: 7 }, [99, "BAD_REQUEST"]],
    [{ type: "join", id: 99, room: null }, [99, "BAD_REQUEST"]],
    [{ type: "join", id: "1", room: "r" }, ["BAD_REQUEST"]],
    [{ type: "join", id: -1, room: "r" }, ["BAD_REQUEST"]],
    [{ type: "leave", id: 2 ** 53, room: "r" }, ["BAD_REQUEST"]],
    [{ type: "join", id: 99, room: "r", position: {} }, [99, "BAD_REQUEST"]],
    [{ type: "join", id: 99, room: "r", position: {}, away_ms: "0" }, [99, "BAD_REQUEST"]],
    [{ type: "resume", id: 99, away_ms: 0 }, [99, "BAD_REQUEST"]],
    [{ type: "resume", id: 99, position: {} }, [99, "BAD_REQUEST"]],
    [{ type: "token" }, ["BAD_REQUEST"]],
    [{ type: "token", token: "abc" }, ["BAD_REQUEST"]],
    [withPosition(null), [99, "POSITION_INVALID"]],
    [withPosition([]), [99, "POSITION_INVALID"]],
    [withPosition("{}"), [99, "POSITION_INVALID"]],
    [withPosition({ "00000000000000AA": 1 }), [99, "POSITION_INVALID"]],
    [withPosition({ [EPOCH]: -1 }), [99, "POSITION_INVALID"]],
    [withPosition({ [EPOCH]: 1.5 }), [99, "POSITION_INVALID"]],
    [withPosition({ [EPOCH]: "1" }), [99, "POSITION_INVALID"]],
    [withPosition(entries(129)), [99, "POSITION_INVALID"]],
    [{ type: "resume", id: 99, position: { x: 1 }, away_ms: 0 }, [99, "POSITION_INVALID"]],
  ];

  it(`in ${JSON_SUBPROTOCOL}`, async ({ stage }) => {
    await stage.start();
    const client = await stage.client("ann");
    for (const [frame] of json) client.sendRaw(JSON.stringify(frame), false);
    await roundTrip(client);
    expect(errorsOf(client)).toEqual(json.map(([, error]) => error));
    for (const frame of client.frames)
      if (frame.type === "error") expect(frame.message).not.toBe("");
    expect(await client.join("é".repeat(128))).toMatchObject({ room: "é".repeat(128) });
    client.sendRaw(JSON.stringify({ ...withPosition(entries(128)), id: 2 }), false);
    const joined = await client.frame("joined", ({ id }) => id === 2);
    expect(joined.position.size).toBeLessThanOrEqual(100);
  });

  it(`in ${PROTO_SUBPROTOCOL}`, async ({ stage }) => {
    await stage.start();
    const client = await stage.client({ userId: "ann", subprotocol: PROTO_SUBPROTOCOL });
    const memberOfLaterVersion = Buffer.from([0x7a, 0x00]);
    client.sendRaw(memberOfLaterVersion, true);
    client.send({ type: "join", id: 1, room: "é".repeat(150) });
    client.send({ type: "join", id: 2, room: "a\u007fb" });
    client.send({ type: "leave", id: 3, room: "" });
    client.send({ type: "join", id: 4, room: "r", position: new Map() });
    client.send({ type: "resume", id: 5, position: new Map([["x", 1]]), awayMs: 0 });
    client.send({ type: "token", token: "" });
    await roundTrip(client);
    expect(errorsOf(client)).toEqual([
      ["UNKNOWN_TYPE"],
      [1, "ROOM_INVALID"],
      [2, "ROOM_INVALID"],
      [3, "ROOM_INVALID"],
      [4, "BAD_REQUEST"],
      [5, "POSITION_INVALID"],
      ["BAD_REQUEST"],
    ]);
  });

  it("where it joins more than MAX_ROOMS_PER_SESSION", async ({ stage }) => {
    await stage.start({ MAX_ROOMS_PER_SESSION: "2" });
    const client = await stage.client("ann");
    await client.joinAll(["a", "b"]);
    const refused: ErrorCode = "TOO_MANY_ROOMS";
    await expect(client.join("c")).rejects.toThrow(refused);
    await client.join("a");
    await client.leave("a");
    await client.join("c");
    expect(
      (await stage.metrics()).value("connect_node_rejections_total", { reason: refused }),
    ).toBe(1);
  });
});

describe("what is no frame closes its session, and the node lives on", () => {
  const { INVALID_FRAME, NOT_UTF8, TOO_BIG } = CLOSE_CODES;
  const tooLong = JSON.stringify({ type: "ping", pad: "x".repeat(65_536) });
  it.for<[what: string, Subprotocol, data: string | Buffer, binary: boolean, code: number]>([
    ["broken JSON", JSON_SUBPROTOCOL, '{"type":"ping"', false, INVALID_FRAME.code],
    ["an array", JSON_SUBPROTOCOL, '["ping"]', false, INVALID_FRAME.code],
    ["null", JSON_SUBPROTOCOL, "null", false, INVALID_FRAME.code],
    ["no type", JSON_SUBPROTOCOL, '{"room":"r"}', false, INVALID_FRAME.code],
    ["a type that is no string", JSON_SUBPROTOCOL, '{"type":1}', false, INVALID_FRAME.code],
    ["nothing", JSON_SUBPROTOCOL, "", false, INVALID_FRAME.code],
    ["a binary frame", JSON_SUBPROTOCOL, '{"type":"ping"}', true, INVALID_FRAME.code],
    ["invalid UTF-8", JSON_SUBPROTOCOL, Buffer.from([0x22, 0xff, 0x22]), false, NOT_UTF8.code],
    ["a frame over the limit", JSON_SUBPROTOCOL, tooLong, false, TOO_BIG.code],
    ["a text frame", PROTO_SUBPROTOCOL, '{"type":"ping"}', false, INVALID_FRAME.code],
    ["bytes at random", PROTO_SUBPROTOCOL, Buffer.from([0xff, 0xff]), true, INVALID_FRAME.code],
    ["cut-off bytes", PROTO_SUBPROTOCOL, PROTOBUF_PING.subarray(0, 1), true, INVALID_FRAME.code],
    ["a frame over the limit", PROTO_SUBPROTOCOL, Buffer.alloc(65_537), true, TOO_BIG.code],
  ])("%s on %s", async ([, subprotocol, data, binary, code], { stage }) => {
    await stage.start();
    const witness = await stage.client("witness");
    const client = await stage.client({ userId: "ann", subprotocol });
    client.sendRaw(data, binary);
    client.sendRaw(data, binary);
    expect((await client.closed).code).toBe(code);
    expect(client.frames).toEqual([client.welcome]);
    await untilSessions(stage, 1);
    const metrics = await stage.metrics();
    expect(metrics.value("connect_node_closes_total", { code: String(code) })).toBe(1);
    expect(metrics.sum("connect_node_closes_total")).toBe(1);
    await roundTrip(witness);
  });

  it("a frame that breaks RFC 6455 closes with 1002, also if the client does not read", async ({
    stage,
  }) => {
    await stage.start();
    const socket = await rawSocket(stage);
    socket.pause();
    const unmasked = Buffer.from([0x81, 0x02, 0x7b, 0x7d]);
    socket.write(unmasked);
    // Sooner than an unanswered close frame has the connection cut.
    await untilSessions(stage, 0, 4_000);
    const metrics = await stage.metrics();
    expect(metrics.value("connect_node_closes_total", { code: "1002" })).toBe(1);
    socket.resume();
    await socket.until(Buffer.from([0x88, 0x02, 1002 >> 8, 1002 & 0xff]));
  });

  it("a frame as large as is allowed is served", async ({ stage }) => {
    await stage.start();
    const client = await stage.client("ann");
    const frame = `{"type":"ping","pad":"${"x".repeat(65_536 - 24)}"}`;
    expect(frame).toHaveLength(65_536);
    client.sendRaw(frame, false);
    await client.frame("pong");
    await roundTrip(client);
  });

  it("a message in fragments, with a ping between them, is served", async ({ stage }) => {
    await stage.start();
    const socket = await rawSocket(stage);
    socket.write(maskedFrame(0x01, '{"type":'));
    socket.write(maskedFrame(0x89, "are you there"));
    await socket.until(Buffer.from("\u008a\u000dare you there", "latin1"));
    socket.write(maskedFrame(0x80, '"ping"}'));
    await socket.until(Buffer.from('{"type":"pong"}'));
  });

  it("a connection that is reset in the middle of a frame ends its session", async ({ stage }) => {
    await stage.start();
    const witness = await stage.client("witness");
    const { socket } = await stage.handshake();
    await untilSessions(stage, 2);
    const beginningOfFrame = Buffer.from([0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5]);
    await new Promise((resolve) => socket.write(beginningOfFrame, resolve));
    socket.resetAndDestroy();
    await untilSessions(stage, 1);
    await roundTrip(witness);
    expect((await stage.metrics()).sum("connect_node_closes_total")).toBe(0);
  });
});

describe("before the upgrade", () => {
  const query = (text: string) => ({ path: `/ws?${text}` });
  const headers = (changes: HandshakeRequest["headers"]) => ({ headers: changes ?? {} });
  const offering = (entries: string) => headers({ "Sec-WebSocket-Protocol": entries });
  const noUpgrade = { Connection: undefined, Upgrade: undefined };
  it.for<[what: string, status: number, code: HttpErrorCode, request: HandshakeRequest]>([
    ["another path", 404, "NOT_FOUND", { path: "/?user_id=a" }],
    ["a longer path", 404, "NOT_FOUND", { path: "/ws/?user_id=a" }],
    ["another path without upgrade", 404, "NOT_FOUND", { path: "/", headers: noUpgrade }],
    ["another method", 405, "METHOD_NOT_ALLOWED", { method: "POST" }],
    ["another, without upgrade", 405, "METHOD_NOT_ALLOWED", { method: "PUT", headers: noUpgrade }],
    ["no upgrade", 426, "UPGRADE_REQUIRED", headers(noUpgrade)],
    ["an upgrade to something else", 426, "UPGRADE_REQUIRED", headers({ Upgrade: "h2c" })],
    ["version 8", 426, "UPGRADE_REQUIRED", headers({ "Sec-WebSocket-Version": "8" })],
    ["no version", 426, "UPGRADE_REQUIRED", headers({ "Sec-WebSocket-Version": undefined })],
    ["a short key", 400, "HANDSHAKE_INVALID", headers({ "Sec-WebSocket-Key": "c2hvcnQ=" })],
    ["no key", 400, "HANDSHAKE_INVALID", headers({ "Sec-WebSocket-Key": undefined })],
    ["only unknown subprotocols", 400, "SUBPROTOCOL_UNKNOWN", offering("graphql-ws, mqtt")],
    ["an unknown version", 400, "SUBPROTOCOL_UNKNOWN", offering("pushcast.v2.json")],
    ["no list of subprotocols", 400, "SUBPROTOCOL_UNKNOWN", offering(`,${JSON_SUBPROTOCOL}`)],
    ["a query that is not UTF-8", 400, "QUERY_INVALID", query("user_id=%ff")],
    ["a query with a broken escape", 400, "QUERY_INVALID", query("user_id=a&x=%zz")],
    ["a parameter that is there twice", 400, "QUERY_INVALID", query("user_id=a&user_id=b")],
    ["resume that is neither 0 nor 1", 400, "QUERY_INVALID", query("user_id=a&resume=yes")],
    ["no user", 400, "USER_INVALID", query("")],
    ["an empty user", 400, "USER_INVALID", query("user_id=")],
    ["a user of 300 bytes", 400, "USER_INVALID", query(`user_id=${"%C3%A9".repeat(150)}`)],
    ["a user with a control character", 400, "USER_INVALID", query("user_id=a%00")],
  ])("%s is answered %s %s", async ([, statusCode, code, request], { stage }) => {
    await stage.start();
    const answer = await stage.handshake(request);
    expect(answer.status).toBe(statusCode);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers.connection).toMatch(/^close\b/);
    expect(JSON.parse(answer.body)).toEqual({
      error: { code, message: expect.stringMatching(/\w/) },
    });
    if (statusCode === 405) expect(answer.headers.allow).toBe("GET");
    if (statusCode === 426) {
      expect(answer.headers.upgrade).toBe("websocket");
      expect(answer.headers["sec-websocket-version"]).toBe("13");
    }
    expect((await stage.metrics()).value("connect_node_rejections_total", { reason: code })).toBe(
      1,
    );
    expect((await stage.handshake()).status).toBe(101);
  });

  it("selects a known subprotocol, never a token, and no extension", async ({ stage }) => {
    await stage.start();
    const selected = async (entries: string | undefined) => {
      const extension = { "Sec-WebSocket-Extensions": "permessage-deflate" };
      const answer = await stage.handshake({
        headers: { ...extension, "Sec-WebSocket-Protocol": entries },
      });
      expect(answer.status).toBe(101);
      expect(answer.headers).not.toHaveProperty("sec-websocket-extensions");
      return answer.headers["sec-websocket-protocol"];
    };
    expect(await selected(undefined)).toBeUndefined();
    expect(await selected("pushcast.token.abc")).toBeUndefined();
    expect(await selected(`mqtt, ${PROTO_SUBPROTOCOL}, ${JSON_SUBPROTOCOL}`)).toBe(
      PROTO_SUBPROTOCOL,
    );
    expect(await selected(`pushcast.token.abc, ${JSON_SUBPROTOCOL}`)).toBe(JSON_SUBPROTOCOL);
  });

  it("outlives what is no HTTP, and connections that are given up", async ({ stage }) => {
    await stage.start();
    const open = async (bytes: string) => {
      const socket = createConnection(stage.ready.ports.ws, "127.0.0.1");
      await once(socket, "connect");
      await new Promise((resolve) => socket.write(bytes, resolve));
      return socket;
    };
    const garbage = await open("\u0016\u0003\u0001 hello\r\n\r\n");
    const [answer] = await once(garbage, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
    garbage.destroy();
    (await open("GET /ws?user_id=ann HTTP/1.1\r\nUpgr")).resetAndDestroy();
    (await open("")).resetAndDestroy();
    expect((await stage.handshake()).status).toBe(101);
  });
});

describe("a node that is asked for too much at once", () => {
  it("admits a burst and then a rate, and tells the others to come again one by one", async ({
    stage,
  }) => {
    await stage.start({ HANDSHAKE_RATE: "1", HANDSHAKE_BURST: "2" });
    for (const wrong of [{ path: "/other" }, { path: "/ws" }, { method: "POST" }]) {
      expect((await stage.handshake(wrong)).status).not.toBe(101);
    }
    const statusOf = async () => (await stage.handshake()).status;
    expect([await statusOf(), await statusOf()]).toEqual([101, 101]);

    const waits: number[] = [];
    for (let refused = 0; refused < 10; refused += 1) {
      const { status: answered, headers, body } = await stage.handshake();
      expect(answered).toBe(429);
      expect(JSON.parse(body).error.code).toBe("TOO_MANY_HANDSHAKES");
      waits.push(Number(headers["retry-after"]));
    }
    for (const [place, wait] of waits.entries()) {
      expect(wait).toBeGreaterThan(place);
      expect(wait).toBeLessThanOrEqual(place + 3);
    }
    const reason = "TOO_MANY_HANDSHAKES";
    const metrics = await stage.metrics();
    expect(metrics.value("connect_node_rejections_total", { reason })).toBe(10);
    expect((await fetch(`${stage.opsUrl}/readyz`)).status).toBe(200);

    stage.clock.advance(1_000);
    expect([await statusOf(), await statusOf()]).toEqual([101, 429]);
  });

  it("drops connections beyond those that may be open without a session", async ({ stage }) => {
    await stage.start({ MAX_PENDING_CONNECTIONS: "2" });
    const sessions = [
      await stage.client("ann"),
      await stage.client("bob"),
      await stage.client("cat"),
    ];
    const connected = async () => {
      const socket = createConnection(stage.ready.ports.ws, "127.0.0.1");
      await once(socket, "connect");
      return socket.resume();
    };
    const pending = async () => (await stage.metrics()).value("connect_node_pending_connections");
    const silent = [await connected(), await connected()];
    await until("both are pending", async () => (await pending()) === 2);
    await once(await connected(), "close");
    const metrics = await stage.metrics();
    expect(metrics.value("connect_node_dropped_connections_total")).toBe(1);
    expect(metrics.value("connect_node_sessions")).toBe(3);
    for (const session of sessions) await roundTrip(session);

    for (const socket of silent) socket.destroy();
    await until("none is pending", async () => (await pending()) === 0);
    expect((await stage.handshake()).status).toBe(101);
  });

  it("answers 408 to a connection that does not send its request in time", async ({ stage }) => {
    await stage.start({ HANDSHAKE_SECONDS: "0.1" });
    const session = await stage.client("ann");
    for (const bytes of ["", "GET /ws?user_id=bob HTTP/1.1\r\nUpgr"]) {
      const socket = createConnection(stage.ready.ports.ws, "127.0.0.1");
      socket.write(bytes);
      const [answer] = await once(socket, "data");
      expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
      await once(socket, "end");
      socket.destroy();
    }
    await roundTrip(session);
  });
});

describe("a node that takes no session", () => {
  const retryAfter = expect.stringMatching(/^[1-3]$/);

  it("answers 503 while it is full, and stays ready", async ({ stage }) => {
    await stage.start({ MAX_SESSIONS: "1" });
    const first = await stage.client("ann");
    const answer = await stage.handshake();
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": retryAfter } });
    expect(JSON.parse(answer.body).error.code).toBe("NODE_FULL");
    expect((await fetch(`${stage.opsUrl}/readyz`)).status).toBe(200);
    await roundTrip(first);
    await first.close();
    await untilSessions(stage, 0);
    expect((await stage.handshake()).status).toBe(101);
  });

  it("answers 503 until it is registered", async ({ stage }) => {
    let register = () => {};
    const registered = new Promise<void>((resolve) => {
      register = resolve;
    });
    const done = () => Promise.resolve();
    const registry: Registry = {
      register: () => ({ registered, update: done, release: done }),
      watch: () => ({ synced: done(), close: () => {} }),
      close: done,
    };
    await stage.start({}, registry);
    const answer = await stage.handshake();
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": retryAfter } });
    expect(JSON.parse(answer.body).error.code).toBe("NODE_STARTING");
    const readyz = () => fetch(`${stage.opsUrl}/readyz`);
    const notReady = await readyz();
    expect(notReady.status).toBe(503);
    expect(await notReady.json()).toMatchObject({
      checks: { registered: "not registered yet", warm: "reads what other nodes have" },
    });
    expect(await health(stage, "")).toBe("NOT_SERVING");

    register();
    await until("ready", async () => (await readyz()).status === 200);
    expect((await stage.handshake()).status).toBe(101);
    expect(await health(stage, "")).toBe("SERVING");
  });

  it("drains by POST /drain: accepts, hands over, closes who is left", async ({ stage }) => {
    await stage.start({ DRAIN_ACCEPT_SECONDS: "5", DRAIN_SECONDS: "60" });
    const drain = async (method: string) => {
      const answer = await fetch(`${stage.opsUrl}/drain`, { method });
      return {
        status: answer.status,
        allow: answer.headers.get("allow"),
        body: await answer.json(),
      };
    };
    expect(await drain("GET")).toMatchObject({ status: 405, allow: "POST" });
    const ann = await stage.client("ann");
    expect(await drain("POST")).toMatchObject({
      status: 202,
      body: { phase: "accepting", sessions: 1, told: 0 },
    });
    expect(stage.memory.nodes.get("node-1")?.state).toBe("draining");
    expect((await fetch(`${stage.opsUrl}/readyz`)).status).toBe(503);
    expect(await health(stage, "")).toBe("NOT_SERVING");
    const bob = await stage.client("bob");
    expect((await drain("POST")).body).toMatchObject({ phase: "accepting", sessions: 2 });

    await stage.pass(5_000);
    await stage.pass(100);
    const answer = await stage.handshake();
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": retryAfter } });
    expect(JSON.parse(answer.body).error.code).toBe("NODE_DRAINING");

    await stage.pass(45_000);
    for (const client of [ann, bob]) {
      const { afterMs, reason } = await client.frame("reconnect");
      expect(reason).toBe("drain");
      expect(afterMs).toBeLessThanOrEqual(2_000);
      expect(client.frames.at(-2)?.type).toBe("position");
    }
    expect((await drain("POST")).body).toEqual({ phase: "handing over", sessions: 2, told: 2 });
    expect((await ann.close()).code).toBe(1000);
    await untilSessions(stage, 1);
    await stage.pass(15_000);
    expect((await bob.closed).code).toBe(1012);
    expect((await drain("POST")).body).toEqual({ phase: "drained", sessions: 0, told: 2 });
    expect((await fetch(`${stage.opsUrl}/livez`)).status).toBe(200);
  });

  it("that is stopped closes its clients with 1012 and tells its managers", async ({ stage }) => {
    await stage.start();
    const client = await stage.client("ann");
    const manager = await stage.manager(EPOCH);
    await manager.push({ content: "last" });
    await client.message("last");
    await stage.stopNode();
    expect((await client.closed).code).toBe(1012);
    expect((await manager.ended).code).toBe(status.OK);
    expect(manager.responses.at(-1)).toMatchObject({ closing: true, throughSeq: 1n });
    expect(stage.memory.nodes.size).toBe(0);
  });
});

describe("PushMessageBatch", () => {
  type Batch = Given<PushMessageBatchRequest>;

  /** Ann twice, once in the room; bob in two rooms; cat in none. */
  async function audience(stage: NodeStage) {
    await stage.start();
    const [ann, annElsewhere, bob, cat] = await Promise.all(
      ["ann", "ann", "bob", "cat"].map((userId) => stage.client(userId)),
    );
    if (!(ann && annElsewhere && bob && cat)) throw new Error("four clients are needed");
    await Promise.all([ann.join("r"), bob.joinAll(["r", "s"])]);
    return { ann, annElsewhere, bob, cat };
  }

  it.for<[what: string, batch: Batch, target: string, reached: string[]]>([
    ["a room", { roomId: "r" }, "room", ["ann", "bob"]],
    ["everybody, each once", {}, "all", ["ann", "annElsewhere", "bob", "cat"]],
    ["users", { userIds: ["ann", "cat", "cat"] }, "user", ["ann", "annElsewhere", "cat"]],
    ["users in a room", { userIds: ["ann", "cat"], roomId: "r" }, "user", ["ann"]],
    ["a room but for a user", { roomId: "r", excludeUserIds: ["bob"] }, "room", ["ann"]],
    ["everybody but a user", { excludeUserIds: ["ann"] }, "all", ["bob", "cat"]],
    ["users but for one", { userIds: ["ann", "bob"], excludeUserIds: ["ann"] }, "user", ["bob"]],
    ["a room that is empty", { roomId: "nowhere" }, "room", []],
    ["a user who is not here", { userIds: ["zoe"] }, "user", []],
  ])("reaches %s", async ([, batch, target, reached], { stage }) => {
    const clients = await audience(stage);
    const node = stage.nodeClient();
    const answer = await node.pushMessageBatch({ ...batch, content: "hello" });
    expect(answer).toMatchObject({
      matched: reached.length > 0,
      sessionsDelivered: reached.length,
      sessionsLagging: 0,
    });
    expect(answer.messageId).toMatch(/^[0-9a-f]{16}-1$/);
    await node.pushMessageBatch({ content: "fence" });
    await Promise.all(Object.values(clients).map((client) => client.message("fence")));
    const got = Object.entries(clients).flatMap(([name, { messages }]) =>
      messages.slice(0, -1).map((message) => ({ name, message })),
    );
    expect(got.map(({ name }) => name)).toEqual(reached);
    for (const { message } of got) {
      expect(message).toMatchObject({ id: answer.messageId, target, ephemeral: true });
      expect(message.room).toBe(batch.roomId);
    }
    const hasUsers = reached.length > 0 ? "true" : "false";
    const metrics = await stage.metrics();
    const received = metrics.value("connect_node_push_received_total", { has_users: hasUsers });
    expect(received).toBe(reached.length > 0 ? 2 : 1);
  });

  it("keeps no content: it is in no log and no position", async ({ stage }) => {
    const { ann } = await audience(stage);
    const contentType = "application/json; charset=utf-8";
    await stage.nodeClient().pushMessageBatch({ contentType, content: '{"a": [1]}' });
    await ann.count(1);
    expect(ann.messages).toMatchObject([{ contentType }]);
    expect(ann.texts).toEqual(['{"a":[1]}']);
    expect((await stage.metrics()).value("connect_node_log_bytes")).toBe(0);
    expect((await ann.join("late")).position.size).toBe(0);
  });

  const ids = (count: number) => Array.from({ length: count }, (_, n) => `u${n}`);
  const long = "é".repeat(150);
  it.for<[code: string, batch: Batch]>([
    ["ROOM_INVALID", { roomId: long }],
    ["ROOM_INVALID", { roomId: "a\u0000b" }],
    ["USER_INVALID", { userIds: ["ok", ""] }],
    ["USER_INVALID", { userIds: [long] }],
    ["USER_INVALID", { excludeUserIds: ["a\u009fb"] }],
    ["TOO_MANY_USERS", { userIds: ids(10_001) }],
    ["TOO_MANY_EXCLUDED", { excludeUserIds: ids(1_001) }],
    ["CONTENT_TYPE_INVALID", { contentType: `text/${"x".repeat(123)}` }],
    ["CONTENT_TYPE_INVALID", { contentType: "text/plain\n" }],
    ["CONTENT_INVALID", { content: Buffer.from([0xff]) }],
    ["CONTENT_INVALID", { content: "{", contentType: "application/json" }],
    ["CONTENT_INVALID", { content: "", contentType: "application/problem+JSON;a=b" }],
    ["CONTENT_TOO_LARGE", { content: "x".repeat(262_145) }],
  ])("is refused: %s (%#)", async ([code, batch], { stage }) => {
    await stage.start();
    const client = await stage.client("ann");
    const node = stage.nodeClient();
    const refused = await refusal(node.pushMessageBatch(batch));
    expect(refused).toMatchObject({
      code: code === "CONTENT_TOO_LARGE" ? status.RESOURCE_EXHAUSTED : status.INVALID_ARGUMENT,
      pushcastCode: code,
    });
    expect(refused.details).not.toBe("");
    await node.pushMessageBatch({
      content: "x".repeat(262_144),
      userIds: [...ids(9_999), "ann"],
      excludeUserIds: ids(1_000),
    });
    await client.count(1);
    expect(client.messages[0]?.content).toHaveLength(262_144);
  });
});

describe("Deliver", () => {
  it("says what the node has, and a newer stream of an epoch ends the older", async ({ stage }) => {
    await stage.start();
    const older = await stage.manager(EPOCH);
    expect(older.responses).toMatchObject([
      { hello: { nodeId: "node-1", haveSeq: 0n, knowsEpoch: false }, throughSeq: 0n },
    ]);
    await older.push({ content: "1" }, { content: "2" });
    const newer = await stage.manager(EPOCH);
    expect(newer.responses).toMatchObject([{ hello: { haveSeq: 2n, knowsEpoch: true } }]);
    expect(await older.ended).toMatchObject({
      code: status.ABORTED,
      details: expect.stringContaining("newer stream"),
    });
    expect((await stage.metrics()).value("connect_node_links")).toBe(1);
    newer.close();
    const hasNone = async () => (await stage.metrics()).value("connect_node_links") === 0;
    await until("no link is left", hasNone);
  });

  it("of bytes that are no DeliverRequest is ended, and others go on", async ({ stage }) => {
    await stage.start();
    const client = await stage.client("ann");
    const good = await stage.manager(EPOCH);
    const bad = await stage.manager("00000000000000bb");
    bad.write(Buffer.from([0xff, 0xff, 0xff]));
    expect(await bad.ended).toEqual({
      code: status.ABORTED,
      details: "bytes that are no DeliverRequest",
    });
    expect(await good.push({ content: "still here" })).toMatchObject([{ sessionsDelivered: 1 }]);
    await client.message("still here");
  });
});

describe("Inspect", () => {
  it("counts sessions, users and rooms: all, of a room, of a user, of a user in a room", async ({
    stage,
  }) => {
    await stage.start();
    const [ann, , bob] = await Promise.all(["ann", "ann", "bob"].map((id) => stage.client(id)));
    await Promise.all([ann?.joinAll(["r", "s"]), bob?.join("r")]);
    const client = new Client(stage.grpcAddress, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = ConnectNodeServiceService.inspect;
    const inspect = (roomId: string, userId: string) =>
      new Promise((resolve, reject) => {
        const request = { roomId, userId };
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          (error, answer) => (error === null ? resolve(answer) : reject(error)),
        );
      });
    const nobody = { nodeId: "node-1", userRooms: [], sessionsLagging: 0 };
    expect(await inspect("", "")).toEqual({ ...nobody, sessions: 3, users: 2, rooms: 2 });
    expect(await inspect("r", "")).toEqual({ ...nobody, sessions: 2, users: 2, rooms: 1 });
    expect(await inspect("empty", "")).toEqual({ ...nobody, sessions: 0, users: 0, rooms: 0 });
    const both = { ...nobody, users: 1, rooms: 2, userRooms: ["r", "s"] };
    expect(await inspect("", "ann")).toEqual({ ...both, sessions: 2 });
    expect(await inspect("r", "ann")).toEqual({ ...both, sessions: 1 });
    expect(await inspect("", "zoe")).toEqual({ ...nobody, sessions: 0, users: 0, rooms: 0 });
    client.close();
  });
});

describe("operations", () => {
  it("answers health for the server and the service, and reflection", async ({ stage }) => {
    await stage.start();
    for (const service of ["", "pushcast.v1.ConnectNodeService"]) {
      expect(await health(stage, service)).toBe("SERVING");
    }
    for (const version of ["v1", "v1alpha"] as const) {
      const services = await listServices(stage.grpcAddress, version);
      expect(services).toContain("pushcast.v1.ConnectNodeService");
    }
  });

  it("has every metric of a node, with its series from the start", async ({ stage }) => {
    await stage.start();
    const client = await stage.client("ann");
    await client.join("r");
    const manager = await stage.manager(EPOCH);
    await manager.push({ roomId: "r", content: "x" });
    await client.count(1);
    const metrics = await stage.metrics();
    for (const state of ["starting", "ready", "draining"]) {
      expect(metrics.value("connect_node_state", { state })).toBe(Number(state === "ready"));
    }
    const gauges = ["sessions", "users", "rooms", "links"];
    for (const name of gauges) expect(metrics.value(`connect_node_${name}`), name).toBe(1);
    expect(metrics.value("connect_node_lagging_sessions")).toBe(0);
    expect(metrics.value("connect_node_log_bytes")).toBeGreaterThan(0);
    const counters: [name: string, label: string, values: string[]][] = [
      ["push_received_total", "has_users", ["true", "false"]],
      ["deliveries_total", "target", ["room", "user", "all"]],
      ["recoveries_total", "recovered", ["true", "false"]],
      ["closes_total", "code", Object.values(CLOSE_CODES).map(({ code }) => String(code))],
      ["gaps_total", "reason", ["evicted", "link", "left"]],
    ];
    for (const [name, label, values] of counters) {
      for (const value of values) {
        const isOne = value === "room" || (name === "push_received_total" && value === "true");
        const count = metrics.value(`connect_node_${name}`, { [label]: value });
        expect(count, `${name} ${value}`).toBe(isOne ? 1 : 0);
      }
    }
    expect(metrics.value("connect_node_delivery_seconds_count")).toBe(1);
    const text = await (await fetch(`${stage.opsUrl}/metrics`)).text();
    expect(text).toContain("# TYPE connect_node_rejections_total counter");
    expect(text).not.toMatch(/ann|room="/);
  });
});

const asBytes = (message: Buffer) => message;
const HEALTH_STATES = ["UNKNOWN", "SERVING", "NOT_SERVING"];

/** What grpc.health.v1 says of a service. */
async function health(stage: NodeStage, service: string): Promise<string | undefined> {
  const client = new Client(stage.grpcAddress, credentials.createInsecure());
  const request = Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
  const response = await new Promise<Buffer | undefined>((resolve, reject) => {
    const path = "/grpc.health.v1.Health/Check";
    client.makeUnaryRequest(path, asBytes, asBytes, request, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
  client.close();
  return HEALTH_STATES[response?.[1] ?? 0];
}
