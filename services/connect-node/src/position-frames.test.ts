import { describe, expect, test } from "vitest";
import { type Client, EPOCH_A, Stage } from "../test/stage.ts";

const LOG_SECONDS = 40;
const QUARTER_MS = 10_000;

function stageWithTicker(...init: ConstructorParameters<typeof Stage>): Stage {
  const stage = new Stage({ LOG_SECONDS, ...init[0] }, init[1]);
  stage.core.positionFrames.start();
  return stage;
}

/** The positions that a client was told since it was last asked, of epoch A. */
const told = (client: Client) =>
  client
    .news()
    .flatMap((frame) => (frame.type === "position" ? [frame.position.get(EPOCH_A)] : []));

describe("position frames", () => {
  test("come each quarter of LOG_SECONDS, also to those whose rooms are quiet", async () => {
    const stage = stageWithTicker();
    const quiet = stage.open("u", { rooms: ["quiet"] });
    stage.push({ roomId: "busy" }, { roomId: "busy" });
    await stage.settle();
    stage.clock.advance(QUARTER_MS - 1);
    expect(told(quiet)).toEqual([]);
    stage.clock.advance(1);
    expect(told(quiet)).toEqual([2]);
    stage.push({ roomId: "busy" });
    await stage.settle();
    stage.clock.advance(QUARTER_MS);
    expect(told(quiet)).toEqual([3]);
  });

  test("come sooner where bytes evict publications sooner", async () => {
    const stage = stageWithTicker({ LOG_BYTES: 100_000 });
    const client = stage.open("u");
    for (let second = 1; second <= 16; second += 1) {
      stage.push({ roomId: "busy", text: "x".repeat(12_500 - 800) });
      await stage.settle();
      stage.clock.advance(1_000);
    }
    // An entry lives for eight seconds.
    const positions = told(client);
    expect(positions.length).toBeGreaterThanOrEqual(7);
    expect(positions.at(-1)).toBeGreaterThanOrEqual(15);
  });

  test("are at least a second apart, however fast the log turns over", async () => {
    const stage = stageWithTicker({ LOG_BYTES: 4_096 });
    const client = stage.open("u");
    for (let step = 0; step < 100; step += 1) {
      stage.push({ roomId: "busy", text: "x".repeat(2_000) });
      await stage.turn();
      stage.clock.advance(100);
    }
    expect(told(client)).toHaveLength(10);
  });

  test("are not beyond what waits for its flush", async () => {
    const stage = stageWithTicker({ FLUSH_WINDOW_MS: 1_000 });
    const member = stage.open("m", { rooms: ["r"] });
    const other = stage.open("o");
    stage.clock.advance(QUARTER_MS - 1);
    stage.push({ roomId: "r" });
    await stage.settle(); // the leading edge
    stage.push({ roomId: "r" });
    stage.push({ roomId: "s" });
    await stage.settle();
    stage.clock.advance(1);
    expect(told(other)).toEqual([1]);
    expect(told(member)).toEqual([1]);
  });

  test("are not sent while what waits for its flush is evicted already", async () => {
    const stage = stageWithTicker({ FLUSH_WINDOW_MS: 2 * QUARTER_MS, LOG_BYTES: 4_096 });
    const member = stage.open("m", { rooms: ["r"] });
    stage.push({ roomId: "r" });
    await stage.settle(); // the leading edge
    for (let pushed = 0; pushed < 20; pushed += 1) stage.push({ roomId: "r" });
    await stage.settle();
    stage.clock.advance(QUARTER_MS);
    expect(told(member)).toEqual([]);
    stage.clock.advance(QUARTER_MS);
    await stage.settle();
    expect(member.messages).toHaveLength(21);
  });

  test("leave out who lags, who is replayed and who holds self, until the next round", async () => {
    const stage = stageWithTicker(
      { SESSION_BUFFER_BYTES: 1_024 },
      { flushSends: 512, sessionEntries: 1, entries: 1 },
    );
    stage.clock.advance(60_000);
    stage.push(...Array.from({ length: 5 }, () => ({ roomId: "r" })));
    await stage.settle();
    stage.clock.advance(QUARTER_MS - 2_000);
    const slow = stage.open("slow", { rooms: ["s"] });
    slow.stop();
    stage.push({ roomId: "s", text: "x".repeat(2_000) });
    await stage.settle();
    expect(slow.session.lagging).toBe(true);
    const holding = stage.open("holding", { resumes: true });
    const replayed = stage.open("replayed");
    const live = stage.open("live");
    for (const client of [slow, holding, replayed, live]) client.news();
    replayed.send({ type: "join", room: "r", position: new Map(), awayMs: 0 });
    stage.clock.advance(2_000);
    expect(told(live)).toEqual([6]);
    for (const client of [slow, holding, replayed]) expect(told(client)).toEqual([]);
    slow.read();
    holding.send({ type: "resume", position: new Map([[EPOCH_A, 6]]), awayMs: 0 });
    await stage.settle(50);
    stage.clock.advance(QUARTER_MS);
    for (const client of [slow, holding, replayed, live]) expect(told(client)).toEqual([6]);
  });

  test("go to all in slices, and each slice takes its own turn", async () => {
    const stage = stageWithTicker({}, { flushSends: 2, sessionEntries: 8, entries: 8 });
    const clients = Array.from({ length: 5 }, (_, index) => stage.open(`u${index}`));
    stage.push({ roomId: "r" });
    await stage.settle();
    stage.clock.advance(QUARTER_MS);
    const reached = () => clients.filter((client) => told(client).length > 0).length;
    expect(reached()).toBe(2);
    await stage.turn();
    expect(reached()).toBe(2);
    await stage.turn();
    expect(reached()).toBe(1);
  });

  test("are a second apart also for a session that a long round has told last", async () => {
    const stage = stageWithTicker(
      { LOG_BYTES: 4_096 },
      { flushSends: 1, sessionEntries: 8, entries: 8 },
    );
    const [first, last] = [stage.open("first"), stage.open("last")];
    const push = () => stage.push({ roomId: "busy", text: "x".repeat(2_000) });
    push();
    stage.clock.advance(1_000);
    expect(told(first)).toHaveLength(1);
    stage.clock.advance(900);
    await stage.settle();
    expect(told(last)).toHaveLength(1);
    push();
    stage.clock.advance(999);
    await stage.settle();
    expect([...told(first), ...told(last)]).toEqual([]);
    stage.clock.advance(250);
    await stage.settle();
    expect([...told(first), ...told(last)]).toHaveLength(2);
  });

  test("say nothing while no manager is known", () => {
    const stage = stageWithTicker();
    stage.core.log.epochs.detach(EPOCH_A, 0);
    stage.core.log.epochs.forgetGone(1, 0);
    const client = stage.open("u");
    stage.clock.advance(QUARTER_MS);
    expect(client.news().map(({ type }) => type)).toEqual(["welcome"]);
  });

  test("a client of a quiet room stays recoverable", async () => {
    const stage = stageWithTicker({ LOG_BYTES: 100_000, LAG_SECONDS: 1 });
    const client = stage.open("u", { rooms: ["quiet"] });
    let position: ReadonlyMap<string, number> = new Map();
    for (let second = 1; second <= 60; second += 1) {
      stage.push({ roomId: "busy", text: "x".repeat(11_700) });
      await stage.settle();
      stage.clock.advance(1_000);
      for (const frame of client.news()) if (frame.type === "position") position = frame.position;
    }
    const again = stage.open("u");
    again.send({ type: "join", room: "quiet", position, awayMs: 1_000 });
    expect(again.news().at(-1)).toMatchObject({ type: "joined", recovered: true });
  });
});
