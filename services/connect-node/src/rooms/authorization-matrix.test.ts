import { describe, expect, test } from "vitest";
import {
  AUTHZ_TIMEOUT_MS,
  type BizServer,
  RightsStage,
  TICKET_MS,
} from "../../test/rights-stage.ts";
import type { Client } from "../../test/stage.ts";

const OLD_SECRET = Buffer.from("the secret before the one that signs");
const SECRET = Buffer.from("the secret that signs tickets now, of 32");
const FOREIGN_SECRET = Buffer.from("a secret that no node of this system has");

/** What the session's token says; `none-mode` is `AUTH_MODE=none`. */
const TOKENS = {
  "none-mode": {},
  exact: { rooms: ["other", "room:1"] },
  prefix: { rooms: ["room:*"] },
  "auto_join of it": { autoJoin: ["room:1"] },
  "other rooms": { rooms: ["room", "room:", "room:11", "Room:1", "rooms:*"] },
  "no rooms": { rooms: [] },
  "no claim": {},
} as const;

const AUTHZ = {
  allow: async () => true,
  deny: async () => false,
  error: async () => undefined,
  timeout: async () => "never",
  none: undefined,
} as const satisfies Record<string, BizServer | undefined>;

/** Who made the ticket, of what, for whom and when. */
const TICKETS = {
  none: undefined,
  good: { secrets: [SECRET] },
  "by the old secret": { secrets: [OLD_SECRET] },
  "other user's": { userId: "bob" },
  "other room's": { room: "room:2" },
  expired: { ageMs: TICKET_MS },
  forged: { secrets: [FOREIGN_SECRET] },
  "user and room exchanged": { userId: "room:1", room: "ann" },
  recalled: { recalled: true },
  "no ticket at all": { text: "not a ticket" },
} as const;

type Token = keyof typeof TOKENS;
type Authz = keyof typeof AUTHZ;
type Ticket = keyof typeof TICKETS;

const GOOD_TICKETS: readonly Ticket[] = ["good", "by the old secret"];

/** J joined · T joined, with a ticket · F ROOM_FORBIDDEN · U AUTHZ_UNAVAILABLE */
type Answer = "J" | "T" | "F" | "U";

/** With the biz-server answering allow, deny, error, timeout, and without one. */
type Row = readonly [Answer, Answer, Answer, Answer, Answer];

/** The one right answer to a join, by token and by whether the ticket is good. */
const ANSWERS: Readonly<Record<Token, { good: Row; bad: Row }>> = {
  "none-mode": { good: ["T", "T", "T", "T", "T"], bad: ["J", "J", "J", "J", "J"] },
  exact: { good: ["T", "T", "T", "T", "T"], bad: ["J", "J", "J", "J", "J"] },
  prefix: { good: ["T", "T", "T", "T", "T"], bad: ["J", "J", "J", "J", "J"] },
  // The session is in the room as it asks.
  "auto_join of it": { good: ["T", "T", "T", "T", "T"], bad: ["J", "J", "J", "J", "J"] },
  "other rooms": { good: ["T", "T", "T", "T", "T"], bad: ["J", "F", "U", "U", "F"] },
  "no rooms": { good: ["T", "T", "T", "T", "T"], bad: ["J", "F", "U", "U", "F"] },
  "no claim": { good: ["T", "T", "T", "T", "T"], bad: ["J", "F", "U", "U", "F"] },
};

/** Whether the biz-server is asked at all: only where nothing else lets the session in. */
const isAsked = (token: Token, ticket: Ticket, authz: Authz) =>
  ["other rooms", "no rooms", "no claim"].includes(token) &&
  !GOOD_TICKETS.includes(ticket) &&
  authz !== "none";

interface Scene {
  readonly rights: RightsStage;
  readonly client: Client;
  readonly ticket: { ticket?: string };
}

function begin(token: Token, ticket: Ticket, authz: Authz): Scene {
  const rights = new RightsStage({
    open: token === "none-mode",
    secrets: [SECRET, OLD_SECRET],
    bizServer: AUTHZ[authz],
  });
  const text = showing(rights, ticket);
  const client = rights.stage.open("ann", { claims: TOKENS[token] });
  return { rights, client, ticket: text === undefined ? {} : { ticket: text } };
}

function showing(rights: RightsStage, kind: Ticket): string | undefined {
  const ticket = TICKETS[kind];
  if (ticket === undefined) return undefined;
  if ("text" in ticket) return ticket.text;
  const maker = rights.tickets("secrets" in ticket ? ticket.secrets : undefined);
  const userId = "userId" in ticket ? ticket.userId : "ann";
  const text = maker.give(userId, "room" in ticket ? ticket.room : "room:1");
  if ("ageMs" in ticket) rights.stage.clock.advance(ticket.ageMs);
  if ("recalled" in ticket) command(rights, "leave");
  return text;
}

function command({ stage }: RightsStage, kind: "join" | "leave"): void {
  stage.push({ command: { kind: { $case: kind, value: { userId: "ann", roomId: "room:1" } } } });
}

/** Lets everybody answer who will, and the others' time end. */
async function settle({ stage }: RightsStage): Promise<void> {
  await stage.settle();
  stage.clock.advance(AUTHZ_TIMEOUT_MS);
  await stage.settle();
}

/** Whether what is pushed to the room comes to the client. */
async function isReached({ rights: { stage }, client }: Scene): Promise<boolean> {
  client.news();
  stage.push({ roomId: "room:1", text: "to the room" });
  await stage.settle();
  return client.texts().includes("to the room");
}

const EXPECTED = {
  J: { type: "joined", id: 7, room: "room:1" },
  T: { type: "joined", id: 7, room: "room:1", ticket: expect.stringMatching(/^[\w-]{52}$/) },
  F: { type: "error", id: 7, code: "ROOM_FORBIDDEN" },
  U: { type: "error", id: 7, code: "AUTHZ_UNAVAILABLE" },
} as const;

const keys = <Key extends string>(of: Readonly<Record<Key, unknown>>) => Object.keys(of) as Key[];
const cases = keys(TOKENS).flatMap((token) =>
  keys(TICKETS).flatMap((ticket) => keys(AUTHZ).map((authz) => ({ token, ticket, authz }))),
);

describe.each(cases)("token: $token, ticket: $ticket, biz-server: $authz", (state) => {
  const { token, ticket, authz } = state;
  const row = ANSWERS[token][GOOD_TICKETS.includes(ticket) ? "good" : "bad"];
  const right = row[keys(AUTHZ).indexOf(authz)] as Answer;
  const isIn = right === "J" || right === "T";

  test.each([
    ["join", {}],
    ["join with a position", { position: new Map(), awayMs: 0 }],
  ])(`%s: ${right}`, async (_frame, position) => {
    const scene = begin(token, ticket, authz);
    const { rights, client } = scene;
    await settle(rights);
    client.news();
    client.send({ type: "join", id: 7, room: "room:1", ...position, ...scene.ticket });
    client.send({ type: "ping" });
    await settle(rights);
    const [answer, pong, ...others] = client.news();
    expect(answer).toMatchObject(EXPECTED[right]);
    if (right === "J") expect(answer).not.toHaveProperty("ticket");
    expect(pong).toEqual({ type: "pong" });
    expect(others).toEqual([]);
    expect(rights.asked).toHaveLength(isAsked(token, ticket, authz) ? 1 : 0);
    expect(await isReached(scene)).toBe(isIn);
  });

  test("resume and leave are answered, and nobody is asked", async () => {
    const { rights, client } = begin(token, ticket, authz);
    client.news();
    client.send({ type: "resume", id: 1, position: new Map(), awayMs: 0 });
    client.send({ type: "leave", id: 2, room: "room:1" });
    await settle(rights);
    expect(client.news()).toMatchObject([
      { type: "resumed", id: 1 },
      { type: "left", id: 2, room: "room:1" },
    ]);
    expect(rights.asked).toEqual([]);
    expect(await isReached({ rights, client, ticket: {} })).toBe(false);
  });

  test("JoinRoom puts it in, with a ticket, and then it may join as it likes", async () => {
    const scene = begin(token, ticket, authz);
    const { rights, client } = scene;
    client.news();
    command(rights, "join");
    client.send({ type: "join", id: 7, room: "room:1" });
    await settle(rights);
    const [put, joined, ...others] = client.news();
    expect(put).toMatchObject({ type: "joined", room: "room:1", ticket: expect.any(String) });
    expect(put).not.toHaveProperty("id");
    expect(joined).toMatchObject(EXPECTED.J);
    expect(others).toEqual([]);
    expect(rights.asked).toEqual([]);
    expect(await isReached(scene)).toBe(true);
  });

  test("auto_join alone puts it in as it opens", async () => {
    const scene = begin(token, ticket, authz);
    const frames = scene.client.news();
    if (token === "auto_join of it") {
      expect(frames).toMatchObject([{ type: "welcome" }, { type: "joined", room: "room:1" }]);
      expect(frames[1]).not.toHaveProperty("id");
      expect(frames[1]).not.toHaveProperty("ticket");
    } else {
      expect(frames).toMatchObject([{ type: "welcome" }]);
    }
    expect(await isReached(scene)).toBe(token === "auto_join of it");
    expect(scene.rights.asked).toEqual([]);
  });
});
