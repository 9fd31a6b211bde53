import { describe, expect, it } from "vitest";
import { A, answerJoin, answerResume, B, C, message, Scene } from "./scene.ts";
import { settle } from "./scripted-server.ts";

/** A scene with a room that was joined on its first connection. */
async function joined(position: object) {
  const scene = new Scene();
  const room = scene.room();
  const first = await scene.welcome(position);
  answerJoin(first, { position });
  return { scene, room, first };
}

/** Drops the connection, and is welcomed on the next. */
async function again(scene: Scene, position: object = {}) {
  scene.connection.drop();
  await scene.untilRetried();
  return scene.welcome(position);
}

/** The server asks to be left, and the next connection is welcomed. */
async function handOver(scene: Scene, position: object = {}) {
  scene.connection.send({ type: "reconnect", after_ms: 100, reason: "drain" });
  scene.clock.advance(100);
  return scene.welcome(position);
}

describe("the client's rule: failures of simpler rules", () => {
  it("welcome overwrites: a welcome does not touch self when that will be resumed", async () => {
    const { scene } = await joined({ [A]: 10 });
    const second = await again(scene, { [A]: 11 });
    expect(second.url.searchParams.get("resume")).toBe("1");
    expect(second.last("resume")).toMatchObject({ position: { [A]: 10 } });
    answerResume(second, { position: { [A]: 10 }, recovered: true });
    second.send(message(A, 11, {}));
    expect(scene.news()).toEqual(["self A-11"]);
  });

  it("two connections: what the old one says during a hand-over is ignored", async () => {
    const { scene, first } = await joined({ [A]: 50 });
    const second = await handOver(scene);
    first.send(message(A, 51));
    answerJoin(second, { position: { [A]: 50 }, recovered: true });
    first.send(message(A, 52));
    first.send({ type: "position", position: { [A]: 52 } });
    expect(scene.news()).toEqual([]);
    second.send(message(A, 51));
    second.send(message(A, 52));
    expect(scene.news()).toEqual(["room A-51", "room A-52"]);
  });

  it("unanswered join: nothing raises a position before the answer", async () => {
    const { scene } = await joined({ [A]: 50 });
    const second = await again(scene);
    second.send({ type: "position", position: { [A]: 60 } });
    second.send({ type: "gap", scope: "all", position: { [A]: 60 } });
    second.send(message(A, 61));
    const third = await again(scene);
    expect(third.last("join")).toMatchObject({ position: { [A]: 50 } });
    expect(third.last("resume")).toMatchObject({ position: { [A]: 50 } });
    expect(scene.news()).toEqual([]);
  });

  it("going back: the older connection is not listened to when the newer one dies", async () => {
    const { scene, first } = await joined({ [A]: 50 });
    const second = await handOver(scene);
    first.send(message(A, 51));
    second.drop();
    expect(first.closedByClient).toBe(1000);
    first.send(message(A, 52));
    first.send({ type: "position", position: { [A]: 52 } });
    expect(scene.news()).toEqual([]);
    await scene.untilRetried();
    const third = await scene.welcome();
    expect(third.last("join")).toMatchObject({ position: { [A]: 50 } });
  });

  it("position lowers: position and gap only raise", async () => {
    const { scene } = await joined({ [A]: 20, [B]: 5 });
    const second = await again(scene);
    answerResume(second, { position: { [A]: 20, [B]: 5 }, recovered: true });
    answerJoin(second, { position: { [A]: 20, [B]: 5 }, recovered: true });
    second.send({ type: "position", position: { [A]: 12, [B]: 6 } });
    second.send({ type: "gap", room: "room", scope: "room", position: { [A]: 13 } });
    for (let seq = 13; seq <= 21; seq += 1) second.send(message(A, seq));
    expect(scene.news()).toEqual(["gap room lost", "room A-21"]);
    const third = await again(scene);
    expect(third.last("join").position).toEqual({ [A]: 21, [B]: 6 });
  });

  it("reload storm: a position or gap that does not name an epoch does not drop it", async () => {
    const { scene, first } = await joined({ [A]: 20, [B]: 5 });
    first.send({ type: "position", position: { [B]: 6 } });
    first.send({ type: "gap", scope: "all", position: { [C]: 1 } });
    const second = await again(scene);
    const position = { [A]: 20, [B]: 6, [C]: 1 };
    expect(second.last("join").position).toEqual(position);
    expect(second.last("resume").position).toEqual(position);
  });

  it("away restarts: connections that end unanswered do not restart away_ms", async () => {
    const { scene, first } = await joined({ [A]: 20 });
    scene.clock.advance(7_000);
    first.send(message(A, 21));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { received } = await again(scene, { [A]: 30 });
      scene.clock.advance(20_000);
      expect(received.filter(({ type }) => type === "join")).toHaveLength(1);
    }
    const last = await again(scene);
    // Backoff of 0.5 s after each of the four, and 20 s on each of the three.
    expect(last.last("join").away_ms).toBe(4 * 500 + 3 * 20_000);
    expect(last.last("resume").away_ms).toBe(4 * 500 + 3 * 20_000);
  });

  it("away restarts: frames for other subscriptions do not restart it either", async () => {
    const { scene } = await joined({ [A]: 20 });
    const second = await again(scene);
    answerResume(second, { position: { [A]: 20 }, recovered: true });
    scene.clock.advance(5_000);
    second.send(message(A, 21, {}));
    scene.clock.advance(1_000);
    const third = await again(scene);
    expect(third.last("resume").away_ms).toBe(1_000 + 500);
    expect(third.last("join").away_ms).toBe(500 + 5_000 + 1_000 + 500);
  });

  it("mid-replay: a connection that dies within a replay is resumed from within it", async () => {
    const { scene } = await joined({ [A]: 0 });
    const second = await again(scene, { [A]: 100 });
    answerResume(second, { position: { [A]: 0 }, recovered: true });
    answerJoin(second, { position: { [A]: 0 }, recovered: true });
    for (let seq = 1; seq <= 50; seq += 1) second.send(message(A, seq));
    const third = await again(scene, { [A]: 100 });
    expect(third.last("join").position).toEqual({ [A]: 50 });
    answerJoin(third, { position: { [A]: 50 }, recovered: true });
    for (let seq = 51; seq <= 100; seq += 1) third.send(message(A, seq));
    const all = Array.from({ length: 100 }, (_, index) => `room A-${index + 1}`);
    expect(scene.news()).toEqual(all);
  });

  it("retried push: a message whose key was seen is dropped, and moves its position", async () => {
    const { scene, first } = await joined({ [A]: 9 });
    first.send(message(A, 10, { room: "room", key: "the-same" }));
    const second = await again(scene);
    answerJoin(second, { position: { [A]: 10 }, recovered: true });
    second.send(message(B, 7, { room: "room", key: "the-same" }));
    expect(scene.news()).toEqual(["room A-10"]);
    const third = await again(scene);
    expect(third.last("join").position).toEqual({ [A]: 10, [B]: 7 });
    answerJoin(third, { position: { [A]: 10, [B]: 7 }, recovered: true });
    third.send(message(B, 8, { room: "room", key: "another" }));
    expect(scene.news()).toEqual(["room B-8"]);
  });

  it("ephemeral hole: an ephemeral message is told, and moves no position", async () => {
    const { scene, first } = await joined({ [A]: 10 });
    first.send(message(A, 12, { room: "room", ephemeral: true }));
    first.send(message(A, 11));
    first.send(message(A, 13));
    expect(scene.news()).toEqual(["room A-12", "room A-11", "room A-13"]);
    first.send(message(A, 13, { room: "room", ephemeral: true }));
    expect(scene.news()).toEqual([]);
    const second = await again(scene);
    expect(second.last("join").position).toEqual({ [A]: 13 });
  });
});

describe("the client's rule: answers", () => {
  it("an answer that was not recovered replaces the position and is told as a gap", async () => {
    const { scene } = await joined({ [A]: 10 });
    const second = await again(scene, { [A]: 40 });
    answerResume(second, { position: { [A]: 40 }, recovered: false });
    answerJoin(second, { position: { [A]: 40 }, recovered: false });
    expect(scene.news()).toEqual(["gap self away", "gap room away"]);
    second.send(message(A, 40));
    second.send(message(A, 41));
    expect(scene.news()).toEqual(["room A-41"]);
  });

  it("the first join has no position and its answer is no gap", async () => {
    const { scene, first } = await joined({ [A]: 10 });
    expect(first.last("join")).not.toHaveProperty("position");
    expect(first.last("join")).not.toHaveProperty("away_ms");
    expect(first.url.searchParams.has("resume")).toBe(false);
    expect(scene.news()).toEqual([]);
  });

  it("a room whose join was never answered is joined without a position again", async () => {
    const scene = new Scene();
    scene.room();
    await scene.welcome({ [A]: 1 });
    const second = await again(scene);
    expect(second.last("join")).not.toHaveProperty("position");
    answerJoin(second, { position: { [A]: 4 } });
    second.send(message(A, 4));
    second.send(message(A, 5));
    expect(scene.news()).toEqual(["room A-5"]);
  });

  it("only the joined with the request's id is its answer", async () => {
    const { scene } = await joined({ [A]: 10 });
    const second = await again(scene);
    second.send({ type: "joined", room: "room", position: { [A]: 90 } });
    second.send({ type: "joined", id: 0, room: "room", position: { [A]: 90 }, recovered: true });
    second.send(message(A, 11));
    expect(scene.news()).toEqual([]);
    answerJoin(second, { position: { [A]: 10 }, recovered: true });
    second.send(message(A, 11));
    expect(scene.news()).toEqual(["room A-11"]);
  });

  it("the answer on an older connection is ignored after a newer one was asked", async () => {
    const scene = new Scene();
    scene.room();
    const first = await scene.welcome({ [A]: 1 });
    const second = await handOver(scene);
    answerJoin(first, { position: { [A]: 1 } });
    first.send(message(A, 2));
    expect(scene.news()).toEqual([]);
    answerJoin(second, { position: { [A]: 2 } });
    second.send(message(A, 3));
    expect(scene.news()).toEqual(["room A-3"]);
  });

  it("a resume that is refused is a gap, and self goes on from the welcome", async () => {
    const { scene } = await joined({ [A]: 10, [B]: 3 });
    const second = await again(scene, { [A]: 8, [B]: 7 });
    const { id } = second.last("resume");
    second.send({ type: "error", id, code: "POSITION_INVALID", message: "no" });
    expect(scene.news()).toEqual(["gap self away"]);
    for (const frame of [message(A, 9, {}), message(B, 7, {}), message(B, 8, {})]) {
      second.send(frame);
    }
    expect(scene.news()).toEqual(["self B-8"]);
  });
});

describe("the client's rule: away_ms", () => {
  it("is 0 for a subscription that is still answered, as in a hand-over", async () => {
    const { scene } = await joined({ [A]: 10 });
    scene.clock.advance(40_000);
    const second = await handOver(scene);
    expect(second.last("join").away_ms).toBe(0);
    expect(second.last("resume").away_ms).toBe(0);
  });

  it("does not count the frames of a connection that is not listened to any more", async () => {
    const { scene, first } = await joined({ [A]: 10 });
    scene.clock.advance(1_000);
    const second = await handOver(scene);
    scene.clock.advance(3_000);
    first.send(message(A, 11));
    second.drop();
    await scene.untilRetried();
    const third = await scene.welcome();
    // The `reconnect` was the last frame that counted.
    expect(third.last("join").away_ms).toBe(100 + 3_000 + 500);
  });

  it("counts the time that the device slept, and no clock that was set back", async () => {
    const { scene, first } = await joined({ [A]: 10 });
    first.drop();
    scene.clock.moveWallClock(3_600_000);
    await scene.untilRetried();
    const second = await scene.welcome();
    expect(second.last("join").away_ms).toBe(3_600_000 + 500);
    answerJoin(second, { position: { [A]: 10 }, recovered: true });
    second.drop();
    scene.clock.moveWallClock(-7_200_000);
    await scene.untilRetried();
    expect((await scene.welcome()).last("join").away_ms).toBe(500);
  });
});

describe("the client's rule: bounds", () => {
  const epoch = (number: number) => number.toString(16).padStart(16, "0");
  const many = (from: number, to: number, seq = 1) =>
    Object.fromEntries(Array.from({ length: to - from }, (_, index) => [epoch(from + index), seq]));

  it("keeps 100 entries of a position: those not named for longest go", async () => {
    const { scene, first } = await joined(many(0, 100));
    first.send({ type: "position", position: many(0, 2) });
    first.send(message(epoch(2), 2));
    first.send(message(A, 1));
    first.send({ type: "gap", scope: "room", room: "room", position: { [B]: 1 } });
    const second = await again(scene);
    const position = second.last("join").position as Record<string, number>;
    expect(Object.keys(position)).toHaveLength(100);
    expect(position).toEqual({ ...many(0, 2), [epoch(2)]: 2, ...many(5, 100), [A]: 1, [B]: 1 });
  });

  it("does not lower an entry that a full frame names last", async () => {
    const { scene, first } = await joined({ [A]: 50, ...many(1, 100) });
    first.send({ type: "position", position: { ...many(200, 299), [A]: 3 } });
    const second = await again(scene);
    const position = second.last("join").position as Record<string, number>;
    expect(Object.keys(position)).toHaveLength(100);
    expect(position[A]).toBe(50);
  });

  it("remembers the last 1,024 keys", async () => {
    const { scene, first } = await joined({});
    for (let seq = 1; seq <= 1025; seq += 1) {
      first.send(message(A, seq, { room: "room", key: `key-${seq}` }));
    }
    expect(scene.news()).toHaveLength(1025);
    first.send(message(B, 1, { room: "room", key: "key-2" }));
    first.send(message(B, 2, { room: "room", key: "key-1" }));
    expect(scene.news()).toEqual(["room B-2"]);
  });
});

describe("the client's rule: whose frame it is", () => {
  it("a position raises only what was answered on its connection", async () => {
    const { scene } = await joined({ [A]: 10 });
    const second = await again(scene);
    answerResume(second, { position: { [A]: 10 }, recovered: true });
    second.send({ type: "position", position: { [A]: 30 } });
    const third = await again(scene);
    expect(third.last("resume").position).toEqual({ [A]: 30 });
    expect(third.last("join").position).toEqual({ [A]: 10 });
  });

  it("a gap reaches the subscriptions in its scope and no other", async () => {
    const scene = new Scene();
    scene.room("one");
    scene.room("two");
    const first = await scene.welcome({ [A]: 1 });
    answerJoin(first, { position: { [A]: 1 } }, "one");
    answerJoin(first, { position: { [A]: 1 } }, "two");
    first.send({ type: "gap", scope: "room", room: "one", position: { [A]: 5 } });
    expect(scene.news()).toEqual(["gap one lost"]);
    first.send({ type: "gap", scope: "self", position: { [A]: 6 } });
    expect(scene.news()).toEqual(["gap self lost"]);
    first.send({ type: "gap", scope: "all", position: { [A]: 7 } });
    expect(scene.news()).toEqual(["gap self lost", "gap one lost", "gap two lost"]);
    first.send({ type: "gap", scope: "room", room: "three", position: { [A]: 8 } });
    expect(scene.news()).toEqual([]);
  });

  it("a room that was left and joined again hears nothing until its new answer", async () => {
    const { scene, room, first } = await joined({ [A]: 10 });
    room.leave();
    scene.room();
    first.send(message(A, 11));
    first.send({ type: "left", id: first.last("leave").id, room: "room" });
    answerJoin(first, { position: { [A]: 12 } });
    first.send(message(A, 13));
    await settle();
    expect(scene.news()).toEqual(["room A-13"]);
  });
});
