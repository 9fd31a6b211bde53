import { describe, expect, it } from "vitest";
import { A, answerJoin, answerResume, Scene } from "./scene.ts";

const ROOMS = Array.from({ length: 1_000 }, (_, index) => `room-${index}`);

function joinsOn({ received }: Scene["connection"]): number {
  return received.filter(({ type }) => type === "join").length;
}

describe("a client in a thousand rooms", () => {
  it("joins them no faster than the server lets it, and is open when all are answered", async () => {
    const scene = new Scene();
    for (const name of ROOMS) scene.client.room(name);
    const first = await scene.welcome({ [A]: 1 });
    expect(joinsOn(first)).toBe(900);
    for (const name of ROOMS.slice(0, 900)) answerJoin(first, { position: { [A]: 1 } }, name);
    expect(scene.client.state.state).toBe("resuming");
    scene.clock.advance(1_000);
    expect(joinsOn(first)).toBe(980);
    scene.clock.advance(250);
    expect(joinsOn(first)).toBe(1_000);
    for (const name of ROOMS.slice(900)) answerJoin(first, { position: { [A]: 1 } }, name);
    expect(scene.client.state.state).toBe("open");
  });

  it("hears the rooms that wait for their turn on the old connection of a hand-over", async () => {
    const scene = new Scene({ frameBurst: 1, frameRate: 1 });
    for (const name of ["one", "two"]) scene.room(name);
    const first = await scene.welcome({ [A]: 1 });
    scene.clock.advance(1_000);
    for (const name of ["one", "two"]) answerJoin(first, { position: { [A]: 1 } }, name);
    first.send({ type: "reconnect", after_ms: 0, reason: "drain" });
    scene.clock.advance(0);
    const second = await scene.welcome();
    answerResume(second, { position: { [A]: 1 }, recovered: true });
    answerJoin(second, { position: { [A]: 1 }, recovered: true }, "one");
    const push = { type: "message", id: `${A}-2`, target: "room", content_type: "text/plain" };
    for (const room of ["one", "two"]) first.send({ ...push, room, content: "", at: 0 });
    expect(scene.news()).toEqual(["two A-2"]);
    expect(first.isOpen).toBe(true);
    scene.clock.advance(1_000);
    expect(second.last("join", "two")).toMatchObject({ position: { [A]: 2 }, away_ms: 0 });
    answerJoin(second, { position: { [A]: 2 }, recovered: true }, "two");
    expect(first.closedByClient).toBe(1000);
  });

  it("does not join what was left before its turn, and paces leaves as well", async () => {
    const scene = new Scene({ frameBurst: 1, frameRate: 1 });
    const rooms = ["one", "two", "three"].map((name) => scene.client.room(name));
    const connection = await scene.welcome({});
    for (const room of rooms) room.leave();
    const types = () => connection.received.map(({ type, room }) => `${type} ${room}`);
    expect(types()).toEqual(["join one"]);
    scene.clock.advance(3_000);
    expect(types()).toEqual(["join one", "leave one", "leave two", "leave three"]);
    connection.drop();
    expect(scene.clock.pendingTimers).toBe(1);
  });

  it("is open when all else is answered and the rooms that waited were left", async () => {
    const scene = new Scene({ frameBurst: 1, frameRate: 1 });
    const [, two] = ["one", "two"].map((name) => scene.client.room(name));
    const first = await scene.welcome({ [A]: 1 });
    answerJoin(first, { position: { [A]: 1 } }, "one");
    two?.leave();
    scene.clock.advance(1_000);
    expect(scene.client.state.state).toBe("resuming");
    first.send({ type: "left", id: first.last("leave").id, room: "two" });
    expect(scene.client.state.state).toBe("open");
  });

  it("asks once for a room that waits, however often it is time to ask again", async () => {
    const scene = new Scene({ frameBurst: 1, frameRate: 1 });
    const names = ["one", "two", "three", "four"];
    for (const name of names) scene.client.room(name);
    const connection = await scene.welcome({});
    const { id } = connection.last("join", "one");
    connection.send({ type: "error", id, code: "AUTHZ_UNAVAILABLE", message: "not now" });
    for (let second = 0; second < 10; second += 1) {
      scene.clock.advance(1_000);
      const last = connection.received.at(-1);
      if (last?.type === "join") answerJoin(connection, { position: {} }, String(last.room));
    }
    const joined = connection.received.filter(({ type }) => type === "join");
    expect(joined.map(({ room }) => room)).toEqual(["one", "two", "three", "four", "one"]);
    expect(scene.client.state.state).toBe("open");
  });

  it("goes on from where each is when the old connection of a hand-over dies meanwhile", async () => {
    const scene = new Scene();
    for (const name of ROOMS) scene.client.room(name);
    const first = await scene.welcome({ [A]: 1 });
    scene.clock.advance(2_000);
    for (const name of ROOMS) answerJoin(first, { position: { [A]: 1 } }, name);
    first.send({ type: "reconnect", after_ms: 0, reason: "drain" });
    scene.clock.advance(0);
    const second = await scene.welcome();
    answerResume(second, { position: { [A]: 1 }, recovered: true });
    expect(joinsOn(second)).toBe(900);
    first.drop();
    scene.clock.advance(1_250);
    expect(joinsOn(second)).toBe(1_000);
    expect(second.last("join", "room-0")).toMatchObject({ away_ms: 0 });
    expect(second.last("join", "room-999")).toMatchObject({
      position: { [A]: 1 },
      away_ms: 1_250,
    });
    for (const name of ROOMS) answerJoin(second, { position: { [A]: 1 }, recovered: true }, name);
    expect(scene.client.state.state).toBe("open");
    expect(scene.news()).toEqual([]);
  });
});
