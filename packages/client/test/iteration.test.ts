import { describe, expect, it } from "vitest";
import type { Message } from "../src/index.ts";
import { A, answerJoin, message, Scene } from "./scene.ts";
import { settle } from "./scripted-server.ts";

async function joined(maxBuffered = 3) {
  const scene = new Scene({ maxBuffered });
  const room = scene.client.room("room");
  const connection = await scene.welcome({ [A]: 0 });
  answerJoin(connection, { position: { [A]: 0 } });
  const push = (from: number, to = from) => {
    for (let seq = from; seq <= to; seq += 1) connection.send(message(A, seq));
  };
  return { scene, room, connection, push };
}

/** Reads to the end, and notes it. */
function read(messages: AsyncIterable<Message>) {
  const noted: unknown[] = [];
  const done = (async () => {
    for await (const { content } of messages) noted.push(content);
    noted.push("end");
  })();
  return { noted, done };
}

describe("for await", () => {
  it("gives what comes, in order, from the moment it begins", async () => {
    const { room, push } = await joined();
    push(1);
    const { noted } = read(room);
    push(2, 4);
    await settle();
    push(5);
    await settle();
    expect(noted).toEqual(["2", "3", "4", "5"]);
  });

  it("of self gives what is for the user and for all", async () => {
    const { scene, connection } = await joined();
    const { noted } = read(scene.client.self);
    connection.send(message(A, 1, {}));
    connection.send(message(A, 2));
    connection.send(message(A, 3, { target: "all" }));
    await settle();
    expect(noted).toEqual(["1", "3"]);
  });

  it("drops what waits when too much does, and says so as a gap", async () => {
    const { scene, room, push } = await joined(3);
    const slow = room[Symbol.asyncIterator]();
    const heard: unknown[] = [];
    room.on("message", ({ content }) => heard.push(content));
    const gaps: unknown[] = [];
    scene.client.on("gap", (gap) => gaps.push(gap));
    push(1, 3);
    expect(gaps).toEqual([]);
    push(4, 6);
    expect(gaps).toEqual([{ room: "room", from: room, reason: "overflow" }]);
    expect(scene.news()).toEqual(["gap room overflow"]);
    expect(heard).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect((await slow.next()).value?.content).toBe("5");
    expect((await slow.next()).value?.content).toBe("6");
  });

  it("ends when the room is left, after what was there", async () => {
    const { room, push } = await joined();
    const { noted, done } = read(room);
    push(1, 2);
    room.leave();
    await done;
    expect(noted).toEqual(["1", "2", "end"]);
    expect(await room[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true });
  });

  it("ends when the biz-server takes the user out, or the server refuses the room", async () => {
    const { scene, room, connection } = await joined();
    const other = read(scene.client.room("other"));
    const { done } = read(room);
    connection.send({ type: "left", room: "room" });
    const { id } = connection.last("join", "other");
    connection.send({ type: "error", id, code: "ROOM_FORBIDDEN", message: "no" });
    await Promise.all([done, other.done]);
  });

  it("ends with the client, and goes on over a reconnect", async () => {
    const { scene, room, connection } = await joined();
    const reading = [read(room), read(scene.client.self)];
    connection.drop();
    await scene.untilRetried();
    const second = await scene.welcome({ [A]: 0 });
    answerJoin(second, { position: { [A]: 0 }, recovered: true });
    second.send(message(A, 1));
    await settle();
    expect(reading.map(({ noted }) => noted)).toEqual([["1"], []]);
    scene.client.close();
    await Promise.all(reading.map(({ done }) => done));
  });

  it("gives each of two loops everything, also where the other one throws", async () => {
    const { scene, room, push } = await joined(3);
    const failing = (async () => {
      for await (const { content } of room) throw new Error(String(content));
    })();
    const { noted, done } = read(room);
    push(1);
    await expect(failing).rejects.toThrow("1");
    push(2, 4);
    await settle();
    push(5, 6);
    room.leave();
    await done;
    expect(noted).toEqual(["1", "2", "3", "4", "5", "6", "end"]);
    expect(scene.news()).toEqual([]);
  });

  it("stops listening on break", async () => {
    const { scene, room, push } = await joined(1);
    const first = (async () => {
      for await (const { content } of room) return content;
    })();
    push(1);
    expect(await first).toBe("1");
    push(2, 9);
    expect(scene.news()).toEqual([]);
  });
});
