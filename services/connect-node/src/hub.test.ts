import { jsonCodec } from "@pushcast/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeSocket } from "../test/fake-socket.ts";
import { Hub } from "./hub.ts";
import { identityWithoutToken } from "./identity.ts";
import { Session, type SubscriptionState } from "./session.ts";

function sessionOf(userId: string, id: string): Session {
  return new Session({
    id,
    identity: identityWithoutToken(userId),
    codec: jsonCodec,
    socket: new FakeSocket(),
    openedAtMs: 0,
    offset: 0,
  });
}

/** What the hub should hold: lists that are scanned. */
interface Model {
  readonly session: Session;
  readonly states: Map<string, SubscriptionState>;
  lagging: boolean;
}

const SELF = "";

function expectMirrors(hub: Hub, models: readonly Model[]): void {
  const sessions = models.map(({ session }) => session);
  expect([...hub.sessions.values()]).toEqual(sessions);
  expect([...hub.lagging]).toEqual(
    expect.arrayContaining(models.filter((m) => m.lagging).map((m) => m.session)),
  );
  expect(hub.lagging.size).toBe(models.filter(({ lagging }) => lagging).length);

  const users = new Map<string, Session[]>();
  for (const session of sessions) {
    users.set(session.userId, [...(users.get(session.userId) ?? []), session]);
  }
  expect(new Set(hub.users.keys())).toEqual(new Set(users.keys()));
  for (const [userId, theirs] of users) {
    expect(new Set(hub.users.get(userId)?.sessions)).toEqual(new Set(theirs));
    expect(new Set(hub.sessionsOf([userId, userId]))).toEqual(new Set(theirs));
  }

  const rooms = new Set(models.flatMap(({ states }) => [...states.keys()]));
  rooms.delete(SELF);
  expect(new Set(hub.rooms.keys())).toEqual(rooms);
  const isBehind = ({ lagging, states }: Model, room: string) =>
    states.has(room) && (lagging || states.get(room) !== "live");
  for (const [roomId, room] of hub.rooms) {
    const members = models.filter(({ states }) => states.has(roomId));
    expect(new Set(room.members.keys())).toEqual(new Set(members.map(({ session }) => session)));
    for (const [session, subscription] of room.members) {
      expect(session.rooms.get(roomId)).toBe(subscription);
      expect(subscription.room).toBe(room);
    }
    expect(room.behind).toBe(members.filter((member) => isBehind(member, roomId)).length);
    const userIds = members.map(({ session }) => session.userId);
    expect(hub.usersIn(room)).toBe(new Set(userIds).size);
  }
  for (const { session, states } of models) {
    expect(new Set(session.rooms.keys())).toEqual(
      new Set([...states.keys()].filter((room) => room !== SELF)),
    );
  }
  expect(hub.everyone.behind).toBe(models.filter((model) => isBehind(model, SELF)).length);
}

describe("Hub", () => {
  test("holds mirrors and exact counts, whatever sessions do, and nothing when all are gone", () => {
    const pick = fc.nat(5);
    const room = fc.constantFrom("r1", "r2", "r3");
    const state = fc.constantFrom("live" as const, "held" as const, "filling" as const);
    const step = fc.oneof(
      fc.record({ kind: fc.constant("open" as const), user: fc.constantFrom("u1", "u2", "u3") }),
      fc.record({ kind: fc.constant("close" as const), pick }),
      fc.record({ kind: fc.constant("join" as const), pick, room }),
      fc.record({ kind: fc.constant("leave" as const), pick, room }),
      fc.record({ kind: fc.constant("lag" as const), pick, lagging: fc.boolean() }),
      fc.record({
        kind: fc.constant("state" as const),
        pick,
        room: fc.oneof(room, fc.constant(SELF)),
        state,
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const hub = new Hub();
        let models: Model[] = [];
        for (const [index, step] of steps.entries()) {
          if (step.kind === "open") {
            const session = sessionOf(step.user, `s${index}`);
            hub.add(session);
            models.push({ session, states: new Map([[SELF, "live"]]), lagging: false });
            continue;
          }
          const model = models[step.pick % Math.max(1, models.length)];
          if (model === undefined) continue;
          const { session, states } = model;
          if (step.kind === "close") {
            hub.remove(session);
            hub.remove(session);
            expect([...session.subscriptions()].every(({ ended }) => ended)).toBe(true);
            models = models.filter((other) => other !== model);
          } else if (step.kind === "join") {
            if (!states.has(step.room)) hub.join(session, step.room, 0);
            if (!states.has(step.room)) states.set(step.room, "live");
          } else if (step.kind === "leave") {
            const subscription = session.rooms.get(step.room);
            expect(hub.leave(session, step.room)).toBe(states.delete(step.room));
            if (subscription !== undefined) expect(subscription.ended).toBe(true);
          } else if (step.kind === "lag") {
            hub.setLagging(session, step.lagging);
            model.lagging = step.lagging;
          } else {
            const subscription = step.room === SELF ? session.self : session.rooms.get(step.room);
            if (subscription === undefined) continue;
            hub.setState(subscription, step.state);
            states.set(step.room, step.state);
          }
          expectMirrors(hub, models);
        }
        for (const { session } of models) hub.remove(session);
        expectMirrors(hub, []);
      }),
      { numRuns: 300 },
    );
  });

  test("does not count a subscription that has ended", () => {
    const hub = new Hub();
    const session = sessionOf("u1", "s1");
    hub.add(session);
    const subscription = hub.join(session, "r1", 0);
    hub.remove(session);
    hub.setState(subscription, "filling");
    hub.setState(session.self, "filling");
    expect(hub.everyone.behind).toBe(0);
  });

  test("gives each session once where a user is named twice", () => {
    const hub = new Hub();
    const sessions = [sessionOf("u1", "s1"), sessionOf("u1", "s2"), sessionOf("u2", "s3")];
    for (const session of sessions) hub.add(session);
    expect([...hub.sessionsOf(["u1", "u1", "u3"])].map(({ id }) => id)).toEqual(["s1", "s2"]);
  });
});
