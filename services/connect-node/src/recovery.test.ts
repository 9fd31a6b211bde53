import { describe, expect, test } from "vitest";
import { FakeManager } from "../test/fake-manager.ts";
import { EPOCH_A, EPOCH_B, Stage } from "../test/stage.ts";

const LIMITS = { LOG_SECONDS: 100, LAG_SECONDS: 1 };
const at = (seq: number) => new Map([[EPOCH_A, seq]]);

/** A node whose log is old enough, with "1" to "5" pushed to a room and to all in turn. */
function stageWithFive(settings = {}) {
  const stage = new Stage({ ...LIMITS, ...settings });
  stage.clock.advance(20_000);
  for (let seq = 1; seq <= 5; seq += 1) {
    stage.push({ roomId: seq % 2 === 1 ? "r" : "", text: `${seq}` });
  }
  return stage;
}

function join(position: ReadonlyMap<string, number>, awayMs = 0) {
  return { type: "join", room: "r", position, awayMs } as const;
}

describe("a join with a position", () => {
  test("is answered with that position, then by what came after it, then goes on live", async () => {
    const stage = stageWithFive();
    const client = stage.open("a");
    client.news();
    client.send(join(at(1)));
    stage.push({ roomId: "r", text: "6" });
    await stage.settle();
    stage.push({ roomId: "r", text: "7" });
    await stage.settle();
    const news = client.news();
    expect(news[0]).toEqual({ type: "joined", room: "r", position: at(1), recovered: true });
    expect(news.slice(1).map((frame) => ("id" in frame ? frame.id : frame.type))).toEqual(
      [3, 5, 6, 7].map((seq) => `${EPOCH_A}-${seq}`),
    );
  });

  test("of a room that it is in stops the live flow, replays, and goes on", async () => {
    const stage = stageWithFive();
    const client = stage.open("a", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "6" });
    client.news();
    client.send(join(at(4)));
    await stage.settle();
    expect(client.texts()).toEqual(["<joined>", "5", "6"]);
  });

  test("{} says that the client has seen nothing", async () => {
    const stage = stageWithFive();
    const client = stage.open("a");
    client.news();
    client.send(join(new Map()));
    await stage.settle();
    expect(client.texts()).toEqual(["<joined>", "1", "3", "5"]);
  });

  test("replays nothing for others, and nothing that is at or below it in any epoch", async () => {
    const stage = stageWithFive();
    const b = new FakeManager(EPOCH_B);
    stage.core.intake.attach(EPOCH_B, 0);
    stage.pushFrom(b, { roomId: "r", text: "b1" });
    stage.push({ roomId: "r", text: "6", excludeUserIds: ["a"] });
    stage.push({ roomId: "r", text: "7", userIds: ["b"] });
    stage.pushFrom(b, { roomId: "r", text: "b2" });
    const client = stage.open("a");
    client.news();
    client.send(
      join(
        new Map([
          [EPOCH_A, 4],
          [EPOCH_B, 1],
        ]),
      ),
    );
    await stage.settle();
    expect(client.texts()).toEqual(["<joined>", "5", "b2"]);
  });

  test("of an epoch that the node does not know is no objection", async () => {
    const stage = stageWithFive();
    const client = stage.open("a");
    client.news();
    client.send(join(new Map([...at(5), [EPOCH_B, 7]])));
    expect(client.news()).toMatchObject([{ recovered: true }]);
  });
});

describe("a resume", () => {
  test("fills the held self from the position on, in log order", async () => {
    const stage = stageWithFive();
    const client = stage.open("a", { resumes: true });
    client.news();
    stage.push({ userIds: ["a"], text: "6" });
    client.send({ type: "resume", position: at(2), awayMs: 0 });
    stage.push({ text: "7" });
    await stage.settle();
    expect(client.texts()).toEqual(["<resumed>", "4", "6", "7"]);
  });
});

describe("recovered is false, and nothing is replayed, when", () => {
  test.each([
    ["the client was away for longer than LOG_SECONDS", {}, at(5), 100_001],
    ["the log began while the client was away", {}, at(5), 19_001],
    ["the log has evicted what came after the position", { LOG_BYTES: 2_000 }, at(1), 0],
    ["more came after it than is replayed", { MAX_REPLAY_MESSAGES: 1 }, at(1), 0],
  ])("%s", async (_, settings, position, awayMs) => {
    const stage = stageWithFive(settings);
    const client = stage.open("a");
    client.news();
    client.send(join(position, awayMs));
    await stage.settle();
    expect(client.news()).toEqual([
      { type: "joined", room: "r", position: at(5), recovered: false },
    ]);
    stage.push({ roomId: "r", text: "6" });
    await stage.settle();
    expect(client.texts()).toEqual(["6"]);
  });

  test("a hole lies above the position", async () => {
    const stage = stageWithFive();
    stage.core.intake.take(
      EPOCH_A,
      { hello: undefined, afterSeq: 7, throughSeq: 7, publications: [], final: false },
      0,
    );
    const client = stage.open("a");
    client.news();
    client.send(join(at(6)));
    expect(client.news()).toMatchObject([{ recovered: false }]);
    client.send(join(at(7)));
    expect(client.news()).toMatchObject([{ recovered: true }]);
  });
});
