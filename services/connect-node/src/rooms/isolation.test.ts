import fc from "fast-check";
import { expect, test } from "vitest";
import { RightsStage } from "../../test/rights-stage.ts";
import { type Client, CODECS } from "../../test/stage.ts";

/** Of the whole test; another finds other sequences. */
const SEED = Number(process.env.SEED ?? 20250101);
const RUNS = Number(process.env.RUNS ?? 300);

const SECRET = Buffer.from("the secret that signs tickets, of 32 bytes");
const USERS = ["ann", "bob", "eve"];
const ROOMS = ["a:1", "a:2", "b"];
const CLAIMS = ["a:1", "a:*", "b"];

const user = fc.constantFrom(...USERS);
const room = fc.constantFrom(...ROOMS);
const session = fc.nat(5);
const claims = fc.record({
  rooms: fc.option(fc.subarray(CLAIMS), { nil: undefined }),
  autoJoin: fc.oneof(fc.constant<string[]>([]), fc.subarray(ROOMS, { maxLength: 1 })),
});
/** A ticket that was seen, whoever's it is; or none. */
const ticket = fc.option(fc.nat(20), { nil: undefined, freq: 2 });

/** What can happen, most of it in the interest of somebody who wants to read more than they may. */
const happening = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("open" as const), user, claims, proto: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("join" as const),
      session,
      room,
      ticket,
      position: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), session, room }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("resume" as const), session }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("newToken" as const), session, claims }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), session }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("put in" as const, "take out" as const),
      user,
      room,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("push" as const),
      room: fc.option(room),
      users: fc.subarray(USERS),
      excluded: fc.subarray(USERS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("answer" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("turn" as const) }) },
);

type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never;

interface Pushed {
  readonly roomId: string;
  readonly userIds: readonly string[];
  readonly excludeUserIds: readonly string[];
}

/** What somebody may do, by the plainest account: lists that only grow. */
class World {
  readonly rights: RightsStage;
  readonly clients: { client: Client; userId: string; claimed: Set<string> }[] = [];
  readonly pushed = new Map<string, Pushed>();
  /** Tickets that came to anybody. */
  readonly seen: { text: string; userId: string; room: string }[] = [];
  /** `user room` that the biz-server has put in, or let in. */
  readonly admitted = new Set<string>();
  readonly #questions: (() => void)[] = [];
  received = 0;

  /** @param allowed whom the biz-server lets in where it is asked */
  constructor(allowed: ReadonlySet<string>) {
    this.rights = new RightsStage({
      secrets: [SECRET],
      bizServer: ({ userId, room }) =>
        new Promise((resolve) => {
          this.#questions.push(() => resolve(allowed.has(`${userId} ${room}`)));
        }),
    });
    for (const pair of allowed) this.admitted.add(pair);
  }

  apply(happening: Happening): Promise<void> | undefined {
    const { stage } = this.rights;
    const sessions = stage.core.sessions;
    const at = "session" in happening ? this.clients[happening.session] : undefined;
    switch (happening.kind) {
      case "open": {
        const { user: userId, claims, proto } = happening;
        const client = stage.open(userId, { claims, codec: CODECS[proto ? "proto" : "json"] });
        this.clients.push({ client, userId, claimed: allowedBy(claims) });
        break;
      }
      case "join": {
        const { room, ticket, position } = happening;
        const shown =
          ticket === undefined ? undefined : this.seen[ticket % (this.seen.length || 1)];
        at?.client.send({
          type: "join",
          room,
          ...(shown === undefined ? {} : { ticket: shown.text }),
          ...(position ? { position: new Map(), awayMs: 0 } : {}),
        });
        break;
      }
      case "leave":
        at?.client.send({ type: "leave", room: happening.room });
        break;
      case "resume":
        at?.client.send({ type: "resume", position: new Map(), awayMs: 0 });
        break;
      case "newToken":
        if (at === undefined) break;
        at.client.session.identity = { ...at.client.session.identity, ...happening.claims };
        for (const room of allowedBy(happening.claims)) at.claimed.add(room);
        sessions.judgeRoomsAnew(at.client.session);
        break;
      case "end":
        if (at !== undefined) sessions.ended(at.client.session);
        break;
      case "put in":
      case "take out": {
        const value = { userId: happening.user, roomId: happening.room };
        const isJoin = happening.kind === "put in";
        if (isJoin) this.admitted.add(`${value.userId} ${value.roomId}`);
        stage.push({ command: { kind: { $case: isJoin ? "join" : "leave", value } } });
        break;
      }
      case "push": {
        const { users: userIds, excluded: excludeUserIds } = happening;
        const push = { roomId: happening.room ?? "", userIds, excludeUserIds };
        stage.push(push);
        this.pushed.set(`${stage.manager.epoch}-${stage.manager.seq}`, push);
        break;
      }
      case "answer":
        this.#questions.shift()?.();
        break;
      case "turn":
        return stage.settle(4);
    }
    return undefined;
  }

  /** Reads what came to each session, and fails where it should not have. */
  check(): void {
    for (const { client, userId, claimed } of this.clients) {
      const isIn = new Set<string>();
      for (const frame of client.frames) {
        if (frame.type === "joined") {
          const isAllowed = claimed.has(frame.room) || this.admitted.has(`${userId} ${frame.room}`);
          expect(isAllowed, `${userId} came into ${frame.room}`).toBe(true);
          isIn.add(frame.room);
        } else if (frame.type === "left") {
          isIn.delete(frame.room);
        } else if (frame.type === "message") {
          this.received += 1;
          const push = this.pushed.get(frame.id);
          expect(frame.room ?? "").toBe(push?.roomId);
          if (frame.room !== undefined) expect([...isIn]).toContain(frame.room);
          if (push?.userIds.length !== 0) expect(push?.userIds).toContain(userId);
          expect(push?.excludeUserIds).not.toContain(userId);
        }
      }
    }
  }

  collectTickets(): void {
    for (const { client, userId } of this.clients) {
      for (const frame of client.news()) {
        if (frame.type !== "joined" || frame.ticket === undefined) continue;
        this.seen.push({ text: frame.ticket, userId, room: frame.room });
      }
    }
  }
}

function allowedBy({ rooms = [], autoJoin }: { rooms: string[] | undefined; autoJoin: string[] }) {
  const named = ROOMS.filter((room) => rooms.includes(room) || autoJoin.includes(room));
  return new Set(rooms.includes("a:*") ? [...named, "a:1", "a:2"] : named);
}

test("no session ever gets a publication for a room that it has not joined by right, or a user that it is not", async () => {
  let received = 0;
  const allowed = fc.subarray(
    USERS.flatMap((userId) => ROOMS.map((name) => `${userId} ${name}`)),
    {
      maxLength: 3,
    },
  );
  await fc.assert(
    fc.asyncProperty(
      allowed,
      fc.array(happening, { minLength: 20, maxLength: 80, size: "max" }),
      async (pairs, happenings) => {
        const world = new World(new Set(pairs));
        for (const one of happenings) {
          await world.apply(one);
          world.collectTickets();
        }
        await world.rights.stage.settle();
        world.check();
        received += world.received;
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
  expect(received).toBeGreaterThan(RUNS);
});
