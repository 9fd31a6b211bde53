import type { Command } from "@pushcast/api";
import { describe, expect, test } from "vitest";
import { Stage } from "../test/stage.ts";

const join = (userId: string, roomId: string): { command: Command } => ({
  command: { kind: { $case: "join", value: { userId, roomId } } },
});
const leave = (userId: string, roomId: string): { command: Command } => ({
  command: { kind: { $case: "leave", value: { userId, roomId } } },
});
const disconnect = (userId: string, code = 4410, reason = "bye"): { command: Command } => ({
  command: {
    kind: { $case: "disconnect", value: { userId, code, reason, revokeIssuedBeforeMs: 0n } },
  },
});

describe("the counts of a publication", () => {
  async function stageWithAll() {
    const stage = new Stage();
    const quick = [
      stage.open("a", { rooms: ["r"] }),
      stage.open("a", { rooms: ["r", "s"] }),
      stage.open("b", { rooms: ["r"] }),
      stage.open("c"),
    ];
    const slow = stage.open("b", { rooms: ["r"] });
    slow.stop();
    stage.push({ userIds: ["b"], text: "x".repeat(70_000) });
    await stage.turn();
    for (const client of quick) client.read();
    expect([...stage.core.hub.lagging]).toEqual([slow.session]);
    return stage;
  }

  test.each([
    { what: "a room", push: { roomId: "r" }, delivered: 3, lagging: 1 },
    { what: "all", push: {}, delivered: 4, lagging: 1 },
    { what: "users", push: { userIds: ["a", "b", "a"] }, delivered: 3, lagging: 1 },
    {
      what: "users in a room",
      push: { userIds: ["a", "c"], roomId: "s" },
      delivered: 1,
      lagging: 0,
    },
    {
      what: "a room without a user who lags",
      push: { roomId: "r", excludeUserIds: ["b", "b", "nobody"] },
      delivered: 2,
      lagging: 0,
    },
    {
      what: "all without users who are there and not in a room",
      push: { excludeUserIds: ["c", "a"] },
      delivered: 1,
      lagging: 1,
    },
    {
      what: "users, of whom one is excluded",
      push: { userIds: ["a", "b"], excludeUserIds: ["b"] },
      delivered: 2,
      lagging: 0,
    },
    { what: "a room, ephemeral", push: { roomId: "r", ephemeral: true }, delivered: 3, lagging: 0 },
  ])("for $what are delivered and lagging, disjoint, without the excluded", async (row) => {
    const stage = await stageWithAll();
    const { delivered, lagging } = row;
    expect(stage.push(row.push)).toEqual([{ seq: 2, delivered, lagging, duplicate: false }]);
  });

  test("of one that matches nobody are not listed, but it is counted as received", async () => {
    const stage = await stageWithAll();
    const before = await stage.metric("connect_node_push_received_total", { has_users: "false" });
    expect(stage.push({ roomId: "empty" }, { userIds: ["nobody"] })).toEqual([]);
    expect(await stage.metric("connect_node_push_received_total", { has_users: "false" })).toBe(
      (before ?? 0) + 2,
    );
  });
});

describe("commands", () => {
  test("act in order with the pushes around them", async () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    const outcomes = stage.push(
      { roomId: "r", text: "before" },
      join("a", "r"),
      { roomId: "r", text: "in" },
      leave("a", "r"),
      { roomId: "r", text: "after" },
      { userIds: ["a"], text: "last" },
      disconnect("a"),
      { userIds: ["a"], text: "too late" },
    );
    await stage.settle();
    expect(client.texts()).toEqual(["<joined>", "in", "<left>", "last"]);
    expect(client.socket.closed).toEqual({ code: 4410, reason: "bye" });
    // JoinRoom, LeaveRoom and DisconnectUser report the sessions that they changed.
    expect(outcomes.map(({ seq, delivered }) => [seq, delivered])).toEqual([
      [2, 1],
      [3, 1],
      [4, 1],
      [6, 1],
      [7, 1],
    ]);
  });

  test("act on all sessions of the user, and report only those that they changed", () => {
    const stage = new Stage();
    const clients = [stage.open("a", { rooms: ["r"] }), stage.open("a"), stage.open("b")];
    for (const client of clients) client.news();
    expect(stage.push(join("a", "r"))).toMatchObject([{ delivered: 1 }]);
    expect(stage.push(join("a", "r"))).toEqual([]);
    expect(clients.map((client) => client.texts())).toEqual([[], ["<joined>"], []]);
    expect(stage.push(leave("a", "r"))).toMatchObject([{ delivered: 2 }]);
    expect(stage.push(leave("a", "r"))).toEqual([]);
  });

  test("say joined and left without an id", () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    stage.push(join("a", "r"), leave("a", "r"));
    expect(client.news()).toEqual([
      { type: "joined", room: "r", position: expect.any(Map) },
      { type: "left", room: "r" },
    ]);
  });

  test("do not put a session into more rooms than it may be in", () => {
    const stage = new Stage({ MAX_ROOMS_PER_SESSION: 1 });
    const client = stage.open("a", { rooms: ["r"] });
    client.news();
    expect(stage.push(join("a", "s"))).toEqual([]);
    expect(client.news()).toEqual([]);
  });

  test("take a lagging session out of a room with a gap, if the room has something for it", async () => {
    const stage = new Stage();
    const client = stage.open("a", { rooms: ["r", "s"] });
    client.stop();
    stage.push({ userIds: ["a"], text: "x".repeat(70_000) });
    await stage.turn();
    stage.push({ roomId: "r", text: "backlog" });
    client.news();
    stage.push(leave("a", "r"), leave("a", "s"));
    expect(client.news()).toMatchObject([
      { type: "gap", scope: "room", room: "r" },
      { type: "left", room: "r" },
      { type: "left", room: "s" },
    ]);
    expect(await stage.metric("connect_node_gaps_total", { reason: "left" })).toBe(1);
  });

  test("that waited for their link do not touch sessions that were opened later", () => {
    const stage = new Stage();
    const old = stage.open("a");
    stage.clock.advance(1_000);
    stage.manager.atMs = stage.clock.now();
    const message = stage.manager.message(join("a", "r"), disconnect("a"));
    stage.clock.advance(1_000);
    const later = stage.open("a");
    const headAtAttach = stage.manager.seq;
    stage.core.intake.take(stage.manager.epoch, message, headAtAttach);
    expect(old.socket.closed?.code).toBe(4410);
    expect(later.socket.closed).toBeUndefined();
    expect(later.texts()).toEqual(["<welcome>"]);
    // One that comes live is for all who are there.
    stage.push(disconnect("a"));
    expect(later.socket.closed?.code).toBe(4410);
  });

  test("are carried out once, also if their link brings them again", () => {
    const stage = new Stage();
    const message = stage.manager.message(disconnect("a"));
    stage.core.intake.take(stage.manager.epoch, message, 0);
    const client = stage.open("a");
    stage.core.intake.take(stage.manager.epoch, message, 0);
    expect(client.socket.closed).toBeUndefined();
  });
});
