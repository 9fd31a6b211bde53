import { describe, expect, test } from "vitest";
import { type Client, EPOCH_A, Stage } from "../test/stage.ts";

const BUFFER_BYTES = 1_000;
/** More than the frame of a short message has. */
const FRAME_BYTES = 300;
const SMALL_BUFFER = { SESSION_BUFFER_BYTES: BUFFER_BYTES };
const numbers = (from: number, through: number) =>
  Array.from({ length: through - from + 1 }, (_, index) => `${from + index}`);

/** Pushes one a turn, so that each is flushed by itself. */
async function pushEach(stage: Stage, roomId: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    stage.push({ roomId, text });
    await stage.turn();
  }
}

/** A client whose socket is full, so that it lags. */
async function lagging(stage: Stage, rooms: string[], userId = "slow"): Promise<Client> {
  const client = stage.open(userId, { rooms });
  client.stop();
  stage.push({ userIds: [userId], text: "x".repeat(BUFFER_BYTES + 1) });
  await stage.turn();
  expect(client.session.lagging).toBe(true);
  client.news();
  return client;
}

describe("a session whose socket is backed up", () => {
  test("is skipped by live frames and gets them from the log, in order, when it drains", async () => {
    const stage = new Stage(SMALL_BUFFER);
    const slow = await lagging(stage, ["r"]);
    const quick = stage.open("quick", { rooms: ["r"] });
    await pushEach(stage, "r", numbers(1, 50));
    expect(slow.texts()).toEqual([]);
    expect(quick.messages).toEqual(numbers(1, 50));
    slow.read();
    await stage.settle();
    expect(slow.texts()).toEqual(numbers(1, 50));
    await pushEach(stage, "r", ["51"]);
    expect(slow.texts()).toEqual(["51"]);
    expect(stage.core.hub.lagging.size).toBe(0);
  });

  test("has no more queued than its bound and a piece, however much is pushed", async () => {
    const stage = new Stage(SMALL_BUFFER);
    const slow = await lagging(stage, ["r"]);
    slow.read(0);
    for (let round = 0; round < 20; round += 1) {
      await pushEach(stage, "r", numbers(1, 20));
      slow.read(300);
    }
    // The message that backed it up, and then never more than the bound and a piece.
    expect(slow.socket.mostQueuedBytes).toBeLessThan(2 * BUFFER_BYTES + FRAME_BYTES);
  });

  test("is told of a gap in each room of which the log has lost something, and only in those", async () => {
    const stage = new Stage({ ...SMALL_BUFFER, LOG_BYTES: 5_000 });
    const slow = await lagging(stage, ["r", "s"]);
    await pushEach(stage, "r", numbers(1, 20));
    stage.push({ roomId: "s", text: "kept" });
    slow.read();
    await stage.settle();
    const [gap, ...rest] = slow.news();
    const tail = stage.core.log.epochs.get(EPOCH_A)?.tail ?? 0;
    expect(gap).toEqual({
      type: "gap",
      scope: "room",
      room: "r",
      position: new Map([[EPOCH_A, tail]]),
    });
    expect(tail).toBeGreaterThan(10);
    // Publication n of the room has seq n + 1.
    const texts = rest.map((frame) => frame.type === "message" && frame.content.toString());
    expect(texts).toEqual([...numbers(tail, 20), "kept"]);
    expect(await stage.metric("connect_node_gaps_total", { reason: "evicted" })).toBe(1);
  });

  test("is told of more than ten gaps as one of all", async () => {
    const rooms = numbers(1, 12).map((number) => `room-${number}`);
    const stage = new Stage({ ...SMALL_BUFFER, LOG_BYTES: 5_000 });
    const slow = await lagging(stage, rooms);
    for (const room of rooms) await pushEach(stage, room, ["lost"]);
    await pushEach(stage, "elsewhere", numbers(1, 20));
    await pushEach(stage, "room-1", ["kept"]);
    slow.read();
    await stage.settle();
    const [gap, ...rest] = slow.news();
    expect(gap).toMatchObject({ type: "gap", scope: "all" });
    expect(rest).toMatchObject([{ type: "message", room: "room-1" }]);
  });

  test("is told of no gap for what was not for it and left the log before it lagged", async () => {
    const stage = new Stage({ ...SMALL_BUFFER, LOG_BYTES: 5_000 });
    const author = stage.open("slow", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "mine", excludeUserIds: ["slow"] });
    await stage.turn();
    await pushEach(stage, "elsewhere", numbers(1, 20));
    author.stop();
    stage.push({ userIds: ["slow"], text: "x".repeat(BUFFER_BYTES + 1) });
    await stage.turn();
    expect(author.session.lagging).toBe(true);
    author.news();
    author.read();
    await stage.settle();
    expect(author.texts()).toEqual([]);
  });

  test("takes turns with others: no more entries a turn than the budget", async () => {
    const stage = new Stage(SMALL_BUFFER, { flushSends: 512, sessionEntries: 3, entries: 5 });
    const [a, b] = [await lagging(stage, ["r"], "a"), await lagging(stage, ["r"], "b")];
    await pushEach(stage, "r", numbers(1, 8));
    a.read();
    b.read();
    await stage.turn();
    // The second session's first turn has what the first one's has left.
    expect([a.texts(), b.texts()]).toEqual([numbers(1, 3), numbers(1, 2)]);
    await stage.turn();
    expect([a.texts(), b.texts()]).toEqual([numbers(4, 6), numbers(3, 4)]);
    await stage.settle();
    expect([a.texts(), b.texts()]).toEqual([numbers(7, 8), numbers(5, 8)]);
  });

  test("takes turns with others: no longer a turn than 5 ms, however little each of them gets", async () => {
    const stage = new Stage(SMALL_BUFFER);
    const clients = [];
    for (const user of ["a", "b", "c"]) clients.push(await lagging(stage, ["r"], user));
    await pushEach(stage, "r", ["1"]);
    for (const client of clients) {
      client.socket.onWrite = () => stage.clock.advance(3);
      client.read();
    }
    await stage.turn();
    expect(clients.map((client) => client.texts())).toEqual([["1"], ["1"], []]);
    await stage.turn();
    expect(clients.map((client) => client.texts())).toEqual([[], [], ["1"]]);
  });

  test("that opened later is filled in its turn, although control frames alone fill its socket", async () => {
    const stage = new Stage(SMALL_BUFFER);
    const client = stage.open("a", { resumes: true });
    stage.push({ text: "held" });
    client.stop();
    for (let ping = 0; ping < 100; ping += 1) client.send({ type: "ping" });
    expect(client.socket.queuedBytes).toBeGreaterThan(BUFFER_BYTES);
    stage.clock.advance(5_000);
    await stage.settle();
    expect(client.messages).toEqual([]);
    client.read();
    await stage.settle();
    expect(client.messages).toEqual(["held"]);
  });

  test("may be closed while it waits to be filled", async () => {
    const stage = new Stage(SMALL_BUFFER);
    const slow = await lagging(stage, ["r"]);
    await pushEach(stage, "r", ["1"]);
    slow.read();
    stage.core.sessions.ended(slow.session);
    await stage.settle();
    expect(slow.texts()).toEqual([]);
  });
});

describe("a hole in a manager's publications", () => {
  test("is said to every open session at once, after what is pending, and nothing old follows", async () => {
    const stage = new Stage(SMALL_BUFFER);
    const slow = await lagging(stage, ["r"]);
    const held = stage.open("held", { resumes: true });
    const live = stage.open("live", { rooms: ["r"] });
    await pushEach(stage, "r", ["1"]);
    stage.push({ text: "to all" });
    for (const client of [held, live]) client.news();
    stage.push({ roomId: "r", text: "2" });
    stage.manager.skip(3);
    stage.push({ roomId: "r", text: "3" });
    stage.clock.advance(5_000);
    slow.read();
    await stage.settle();
    const position = new Map([[EPOCH_A, 7]]);
    const gap = { type: "gap", scope: "all", position };
    expect(live.frames.slice(-4)).toMatchObject([
      { type: "message", target: "all" },
      { type: "message", target: "room" },
      gap,
      { type: "message", id: `${EPOCH_A}-8` },
    ]);
    expect(slow.news()).toMatchObject([gap, { type: "message", id: `${EPOCH_A}-8` }]);
    expect(held.news()).toEqual([gap]);
    expect(await stage.metric("connect_node_gaps_total", { reason: "link" })).toBe(1);
  });
});
