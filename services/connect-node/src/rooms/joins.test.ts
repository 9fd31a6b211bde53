import { expect, test } from "vitest";
import { AUTHZ_TIMEOUT_MS, RightsStage } from "../../test/rights-stage.ts";
import type { Client } from "../../test/stage.ts";

const SECRET = Buffer.from("the secret that signs tickets, of 32 bytes");

/** A biz-server that answers when the test says so. */
function slowBizServer() {
  const open: ((allow: boolean | undefined) => void)[] = [];
  return {
    bizServer: () => new Promise<boolean | undefined>((resolve) => open.push(resolve)),
    answer: (allow: boolean | undefined) => open.shift()?.(allow),
  };
}

function command({ stage }: RightsStage, kind: "join" | "leave", roomId: string): void {
  stage.push({ command: { kind: { $case: kind, value: { userId: "ann", roomId } } } });
}

/** Where a session is, by the frames that it got. */
function roomsOf(client: Client): string[] {
  return [...client.session.rooms.keys()];
}

test("while a join waits for the biz-server, later frames of its session wait and others are served", async () => {
  const { bizServer, answer } = slowBizServer();
  const { stage } = new RightsStage({ bizServer });
  const waiting = stage.open("ann");
  const other = stage.open("bob", { claims: { rooms: ["s"] } });
  for (const client of [waiting, other]) client.news();
  waiting.send({ type: "join", id: 1, room: "r" });
  waiting.send({ type: "ping" });
  waiting.send({ type: "leave", id: 2, room: "r" });
  other.send({ type: "join", id: 1, room: "s" });
  await stage.settle();
  expect(waiting.news()).toEqual([]);
  expect(other.news()).toMatchObject([{ type: "joined", id: 1 }]);
  answer(true);
  await stage.settle();
  expect(waiting.news()).toMatchObject([
    { type: "joined", id: 1 },
    { type: "pong" },
    { type: "left", id: 2 },
  ]);
  expect(roomsOf(waiting)).toEqual([]);
});

test("a session that is gone when the biz-server answers is in no room", async () => {
  const { bizServer, answer } = slowBizServer();
  const { stage } = new RightsStage({ bizServer });
  const [left, closed] = [stage.open("ann"), stage.open("bob")];
  for (const client of [left, closed]) {
    client.send({ type: "join", room: "r" });
    client.news();
  }
  await stage.settle();
  stage.core.sessions.ended(left.session);
  stage.core.sessions.close(closed.session, { code: 4401, reason: "the token has expired" });
  answer(true);
  answer(true);
  await stage.settle();
  for (const client of [left, closed]) {
    expect(client.frames.filter(({ type }) => type === "joined")).toEqual([]);
  }
  expect(stage.core.hub.rooms.size).toBe(0);
});

test("a JoinRoom that comes while a join waits is what the join is answered by", async () => {
  const { bizServer, answer } = slowBizServer();
  const rights = new RightsStage({ bizServer });
  const client = rights.stage.open("ann");
  client.news();
  client.send({ type: "join", id: 1, room: "r" });
  command(rights, "join", "r");
  await rights.stage.settle();
  answer(false);
  await rights.stage.settle();
  expect(client.news()).toMatchObject([
    { type: "joined", room: "r" },
    { type: "joined", id: 1, room: "r" },
  ]);
});

test("a LeaveRoom that comes while a join waits is later than what the biz-server says", async () => {
  const { bizServer, answer } = slowBizServer();
  const rights = new RightsStage({ bizServer });
  const client = rights.stage.open("ann");
  client.news();
  client.send({ type: "join", id: 1, room: "r" });
  await rights.stage.settle();
  command(rights, "leave", "r");
  answer(true);
  await rights.stage.settle();
  expect(client.news()).toMatchObject([{ type: "error", id: 1, code: "AUTHZ_UNAVAILABLE" }]);
});

test("a session that was put into its last room while a join waited is in too many", async () => {
  const { bizServer, answer } = slowBizServer();
  const rights = new RightsStage({ bizServer, maxRooms: 1 });
  const client = rights.stage.open("ann");
  client.news();
  client.send({ type: "join", id: 1, room: "r" });
  command(rights, "join", "s");
  await rights.stage.settle();
  answer(true);
  await rights.stage.settle();
  expect(client.news()).toMatchObject([
    { type: "joined", room: "s" },
    { type: "error", id: 1, code: "TOO_MANY_ROOMS" },
  ]);
  expect(roomsOf(client)).toEqual(["s"]);
});

test("a session that is in too many rooms costs the biz-server no question", async () => {
  const rights = new RightsStage({ bizServer: async () => true, maxRooms: 1 });
  const client = rights.stage.open("ann", { claims: { autoJoin: ["s"] } });
  client.send({ type: "join", room: "r" });
  await rights.stage.settle();
  expect(rights.asked).toEqual([]);
  expect(client.news().at(-1)).toMatchObject({ type: "error", code: "TOO_MANY_ROOMS" });
});

test("the ticket of a JoinRoom lets its user in at another node, which renews it", async () => {
  const here = new RightsStage({ secrets: [SECRET] });
  const first = here.stage.open("ann");
  command(here, "join", "r");
  const given = first.news().at(-1);
  if (given?.type !== "joined" || given.ticket === undefined) expect.fail("no ticket came");
  const there = new RightsStage({ secrets: [SECRET] });
  there.stage.clock.advance(1_000);
  const again = there.stage.open("ann");
  again.send({ type: "join", id: 1, room: "r", ticket: given.ticket });
  const renewed = again.news().at(-1);
  expect(renewed).toMatchObject({ type: "joined", id: 1, ticket: expect.any(String) });
  expect(renewed).not.toMatchObject({ ticket: given.ticket });
});

test("a JoinRoom of a room that the session is in renews its ticket, and counts as no change", async () => {
  const rights = new RightsStage({ secrets: [SECRET] });
  const client = rights.stage.open("ann");
  command(rights, "join", "r");
  rights.stage.push({ roomId: "r", text: "hello" });
  client.news();
  command(rights, "join", "r");
  expect(client.news()).toMatchObject([
    { type: "message" },
    { type: "joined", room: "r", ticket: expect.any(String) },
  ]);
});

test("without secrets a JoinRoom gives no ticket, and says nothing where the session is in the room", () => {
  const rights = new RightsStage({});
  const client = rights.stage.open("ann");
  client.news();
  command(rights, "join", "r");
  command(rights, "join", "r");
  const [joined, ...others] = client.news();
  expect(joined).toMatchObject({ type: "joined", room: "r" });
  expect(joined).not.toHaveProperty("ticket");
  expect(others).toEqual([]);
});

test("after a LeaveRoom its user's tickets are refused until the next JoinRoom, also where it was not", () => {
  const rights = new RightsStage({ secrets: [SECRET] });
  const ticket = rights.tickets().give("ann", "r") ?? "";
  command(rights, "leave", "r");
  const client = rights.stage.open("ann");
  client.news();
  client.send({ type: "join", id: 1, room: "r", ticket });
  command(rights, "join", "r");
  client.send({ type: "leave", id: 2, room: "r" });
  client.send({ type: "join", id: 3, room: "r", ticket });
  expect(client.news()).toMatchObject([
    { type: "error", id: 1, code: "ROOM_FORBIDDEN" },
    { type: "joined", room: "r" },
    { type: "left", id: 2 },
    { type: "joined", id: 3 },
  ]);
});

test("with a newer token a session leaves the rooms in which only the older one let it be", async () => {
  const rights = new RightsStage({ secrets: [SECRET], bizServer: async () => true });
  const { stage } = rights;
  const rooms = ["claimed", "kept", "ticketed", "commanded"];
  const client = stage.open("ann", { claims: { rooms, autoJoin: ["auto", "auto-kept"] } });
  const ticket = rights.tickets().give("ann", "ticketed") ?? "";
  for (const room of ["claimed", "kept", "ticketed", "asked"]) {
    client.send({ type: "join", room, ...(room === "ticketed" ? { ticket } : {}) });
  }
  await stage.settle();
  command(rights, "join", "commanded");
  stage.push({ roomId: "claimed", text: "before" });
  client.news();
  const { session } = client;
  session.identity = { ...session.identity, rooms: ["kept"], autoJoin: ["auto-kept", "new"] };
  stage.core.sessions.judgeRoomsAnew(session);
  stage.push({ roomId: "claimed", text: "after" });
  await stage.settle();
  expect(client.news()).toMatchObject([
    { type: "left", room: "auto" },
    { type: "message", room: "claimed" },
    { type: "left", room: "claimed" },
  ]);
  expect(roomsOf(client).sort()).toEqual(["asked", "auto-kept", "commanded", "kept", "ticketed"]);
});

test("refusals are counted by their reason", async () => {
  const rights = new RightsStage({
    secrets: [SECRET],
    bizServer: async ({ room }) => (room === "denied" ? false : "never"),
  });
  const { stage } = rights;
  const client = stage.open("ann");
  client.send({ type: "join", room: "denied" });
  client.send({ type: "join", room: "silent" });
  await stage.settle();
  stage.clock.advance(AUTHZ_TIMEOUT_MS);
  await stage.settle();
  const strict = new RightsStage({ secrets: [SECRET] });
  const stranger = strict.stage.open("ann");
  stranger.send({ type: "join", room: "r" });
  stranger.send({ type: "join", room: "r", ticket: "?" });
  const refusals = (of: RightsStage, reason: string) =>
    of.stage.metric("connect_node_join_refusals_total", { reason });
  expect([
    await refusals(rights, "authz_denied"),
    await refusals(rights, "authz_unavailable"),
    await refusals(strict, "claims"),
    await refusals(strict, "ticket_invalid"),
  ]).toEqual([1, 1, 1, 1]);
  const reason = "ROOM_FORBIDDEN";
  expect(await strict.stage.metric("connect_node_rejections_total", { reason })).toBe(2);
});
