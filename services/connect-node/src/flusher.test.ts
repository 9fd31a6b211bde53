import { describe, expect, test } from "vitest";
import { type Client, CODECS, Stage } from "../test/stage.ts";

describe("a flush", () => {
  test("writes all of one turn to all members as the same bytes, joined", async () => {
    const stage = new Stage();
    const [a, b, c] = [
      stage.open("a", { rooms: ["r"] }),
      stage.open("b", { rooms: ["r"] }),
      stage.open("c", { rooms: ["r"], codec: CODECS.proto }),
    ];
    stage.push({ roomId: "r", text: "1" }, { roomId: "r", text: "2" });
    stage.push({ roomId: "r", text: "3" });
    expect(a.messages).toEqual([]);
    await stage.turn();
    for (const client of [a, b, c]) expect(client.messages).toEqual(["1", "2", "3"]);
    expect(a.socket.writes.at(-1)).toBe(b.socket.writes.at(-1));
    // welcome, joined, and one write for three messages
    expect(a.socket.writes).toHaveLength(3);
  });

  test("gives a member that joined in the middle of a batch only what came after", async () => {
    const stage = new Stage();
    const early = stage.open("early", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "1" }, { roomId: "r", text: "wave 1", ephemeral: true });
    const late = stage.open("late", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "wave 2", ephemeral: true }, { roomId: "r", text: "2" });
    await stage.turn();
    expect(early.messages).toEqual(["1", "wave 1", "wave 2", "2"]);
    expect(late.messages).toEqual(["wave 2", "2"]);
  });

  test("gives a session that opened in the middle of a broadcast's turn only what came after", async () => {
    const stage = new Stage();
    stage.open("early");
    stage.push({ text: "1" }, { text: "wave 1", ephemeral: true });
    const late = stage.open("late");
    stage.push({ text: "2" });
    await stage.turn();
    expect(late.messages).toEqual(["2"]);
  });

  test("drops what is pending for a member that leaves", async () => {
    const stage = new Stage();
    const client = stage.open("a", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "1" });
    client.send({ type: "leave", room: "r" });
    client.send({ type: "join", room: "r" });
    stage.push({ roomId: "r", text: "2" });
    await stage.turn();
    expect(client.texts()).toEqual(["<welcome>", "<joined>", "<left>", "<joined>", "2"]);
  });

  test("joins apart for users that a publication lists or excludes", async () => {
    const stage = new Stage();
    const clients = ["a", "b", "c"].map((user) => stage.open(user, { rooms: ["r"] }));
    stage.push(
      { roomId: "r", text: "all" },
      { roomId: "r", text: "not a", excludeUserIds: ["a"] },
      { roomId: "r", text: "only a and b", userIds: ["a", "b"] },
      { roomId: "r", text: "b, for a is excluded", userIds: ["a", "b"], excludeUserIds: ["a"] },
    );
    await stage.turn();
    expect(clients.map(({ messages }) => messages)).toEqual([
      ["all", "only a and b"],
      ["all", "not a", "only a and b", "b, for a is excluded"],
      ["all", "not a"],
    ]);
  });

  test("reaches a session once that is in several rooms, and one that is in none", async () => {
    const stage = new Stage();
    const clients = [stage.open("a", { rooms: ["r", "s"] }), stage.open("b")];
    stage.push({ text: "to all" });
    await stage.turn();
    for (const client of clients) expect(client.messages).toEqual(["to all"]);
  });

  test("of a large room goes in slices, between which another room gets its turn", async () => {
    const stage = new Stage({}, { flushSends: 2, sessionEntries: 128, entries: 1024 });
    const large = Array.from({ length: 7 }, (_, index) =>
      stage.open(`user-${index}`, { rooms: ["large"] }),
    );
    const small = stage.open("other", { rooms: ["small"] });
    const served = () => large.filter(({ messages }) => messages.includes("1")).length;
    stage.push({ roomId: "large", text: "1" });
    await stage.turn();
    expect(served()).toBe(2);
    stage.push({ roomId: "small", text: "quick" }, { roomId: "large", text: "2" });
    await stage.turn();
    expect(served()).toBe(4);
    expect(small.messages).toEqual(["quick"]);
    await stage.settle();
    for (const client of large) expect(client.messages).toEqual(["1", "2"]);
  });

  test("skips who left or was closed since it began", async () => {
    const stage = new Stage({}, { flushSends: 1, sessionEntries: 128, entries: 1024 });
    const clients = ["a", "b", "c"].map((user) => stage.open(user, { rooms: ["r"] }));
    stage.push({ roomId: "r", text: "1" });
    await stage.turn();
    clients[1]?.send({ type: "leave", room: "r" });
    stage.core.sessions.ended(clients[2]?.session ?? raise());
    await stage.settle();
    expect(clients.map(({ messages }) => messages)).toEqual([["1"], [], []]);
  });
});

describe("after a long flush", () => {
  /** A room of two, to each of whom a write takes so long. */
  function slowRoom(writeMs: number): { stage: Stage; texts: () => readonly string[] } {
    const stage = new Stage();
    const clients = ["a", "b"].map((user) => stage.open(user, { rooms: ["r"] }));
    const [first] = clients as [Client, Client];
    for (const { socket } of clients) socket.onWrite = () => stage.clock.advance(writeMs);
    first.news();
    return { stage, texts: () => first.texts() };
  }

  test("a room rests for as long as that took, and what comes meanwhile goes together", async () => {
    const { stage, texts } = slowRoom(10);
    stage.push({ roomId: "r", text: "1" });
    await stage.turn();
    stage.push({ roomId: "r", text: "2" });
    await stage.settle();
    stage.clock.advance(19);
    stage.push({ roomId: "r", text: "3" });
    await stage.settle();
    expect(texts()).toEqual(["1"]);
    stage.clock.advance(1);
    await stage.turn();
    expect(texts()).toEqual(["2", "3"]);
  });

  test("one that has rested is flushed at once, and another room is not kept waiting", async () => {
    const { stage, texts } = slowRoom(10);
    const other = stage.open("c", { rooms: ["s"] });
    stage.push({ roomId: "r", text: "1" });
    await stage.turn();
    stage.push({ roomId: "s", text: "quick" });
    await stage.turn();
    expect(other.messages).toEqual(["quick"]);
    stage.clock.advance(20);
    stage.push({ roomId: "r", text: "2" });
    await stage.turn();
    expect(texts()).toEqual(["1", "2"]);
  });

  test("that was interrupted a room rests for 100 ms at most", async () => {
    const { stage, texts } = slowRoom(5_000);
    stage.push({ roomId: "r", text: "1" });
    await stage.turn();
    stage.push({ roomId: "r", text: "2" });
    stage.clock.advance(100);
    await stage.turn();
    expect(texts()).toEqual(["1", "2"]);
  });

  test("of less than a millisecond it does not rest", async () => {
    const { stage, texts } = slowRoom(0.375);
    stage.push({ roomId: "r", text: "1" });
    await stage.turn();
    stage.clock.advance(0.25);
    stage.push({ roomId: "r", text: "2" });
    await stage.turn();
    expect(texts()).toEqual(["1", "2"]);
  });
});

describe("with a flush window", () => {
  const WINDOW = { FLUSH_WINDOW_MS: 50 };

  test("the first message goes at once, and what comes within the window goes together", async () => {
    const stage = new Stage(WINDOW);
    const client = stage.open("a", { rooms: ["r"] });
    client.news();
    stage.push({ roomId: "r", text: "1" });
    await stage.turn();
    expect(client.texts()).toEqual(["1"]);
    const writes = client.socket.writes.length;
    for (const text of ["2", "3", "4"]) {
      stage.push({ roomId: "r", text });
      await stage.settle();
      stage.clock.advance(10);
    }
    await stage.settle();
    expect(client.texts()).toEqual([]);
    stage.clock.advance(20);
    await stage.turn();
    expect(client.texts()).toEqual(["2", "3", "4"]);
    expect(client.socket.writes).toHaveLength(writes + 1);
  });

  test("each room has its own, and one that was quiet for longer is flushed at once", async () => {
    const stage = new Stage(WINDOW);
    const client = stage.open("a", { rooms: ["r", "s"] });
    client.news();
    stage.push({ roomId: "r", text: "r1" });
    await stage.turn();
    stage.push({ roomId: "s", text: "s1" }, { roomId: "r", text: "r2" });
    await stage.turn();
    expect(client.texts()).toEqual(["r1", "s1"]);
    stage.clock.advance(50);
    await stage.turn();
    expect(client.texts()).toEqual(["r2"]);
    stage.clock.advance(51);
    stage.push({ roomId: "r", text: "r3" });
    await stage.turn();
    expect(client.texts()).toEqual(["r3"]);
  });

  test("a flush before its time does not shorten the next window", async () => {
    const stage = new Stage(WINDOW);
    const client = stage.open("a", { rooms: ["r"] });
    client.news();
    stage.push({ roomId: "r", text: "1" });
    await stage.turn();
    client.news();
    stage.clock.advance(30);
    stage.push({ roomId: "r", text: "2" });
    stage.manager.skip(1);
    stage.push({ roomId: "r", text: "3" }); // after a hole: what is pending is flushed, and the gap said
    stage.push({ roomId: "r", text: "4" });
    expect(client.texts()).toEqual(["2", "<gap>"]);
    stage.clock.advance(49);
    await stage.settle();
    expect(client.texts()).toEqual([]);
    stage.clock.advance(1);
    await stage.settle();
    expect(client.texts()).toEqual(["3", "4"]);
  });
});

function raise(): never {
  throw new Error("not there");
}
