import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@pushcast/runtime";
import { jsonCodec } from "@pushcast/wire";
import { expect, test } from "vitest";
import { FakeSocket } from "../../test/fake-socket.ts";
import { Session } from "../session.ts";
import { TokenExpiries } from "./token-expiries.ts";

const TOLERANCE_MS = 5_000;

function world() {
  const clock = new ManualClock();
  const closed: string[] = [];
  const expiries: TokenExpiries = new TokenExpiries({
    clock,
    toleranceMs: TOLERANCE_MS,
    close: (session) => {
      closed.push(session.userId);
      expiries.remove(session);
    },
  });
  /** A session of a user whose token ends that many milliseconds from now. */
  const open = (userId: string, inMs: number | undefined) => {
    const expiresAtMs = inMs === undefined ? undefined : clock.now() + inMs;
    const identity = { userId, rooms: undefined, autoJoin: [], issuedAtMs: 0, expiresAtMs };
    const session = new Session({
      id: userId,
      identity,
      codec: jsonCodec,
      socket: new FakeSocket(),
      openedAtMs: clock.now(),
      offset: 0,
    });
    expiries.add(session);
    return session;
  };
  return { clock, closed, expiries, open };
}

test("closes a session when its token and the tolerance have ended, and not before", () => {
  const { clock, closed, expiries, open } = world();
  open("soon", 1_500);
  open("later", 60_000);
  open("never", undefined);
  clock.advance(6_499);
  expiries.closeExpired();
  expect(closed).toEqual([]);
  clock.advance(501);
  expiries.closeExpired();
  expect(closed).toEqual(["soon"]);
  // The machine stood still.
  clock.advance(3_600_000);
  expiries.closeExpired();
  expect(closed).toEqual(["soon", "later"]);
});

test("follows a session by its newest token, and no longer when it has ended", () => {
  const { clock, closed, expiries, open } = world();
  const session = open("ann", 1_000);
  expiries.remove(session);
  session.identity = { ...session.identity, expiresAtMs: clock.now() + 10_000 };
  expiries.add(session);
  expiries.remove(open("gone", 1_000));
  clock.advance(6_000);
  expiries.closeExpired();
  expect(closed).toEqual([]);
  clock.advance(9_000);
  expiries.closeExpired();
  expect(closed).toEqual(["ann"]);
});

test("closes thousands in slices, with others' turns between them", async () => {
  const { clock, closed, expiries, open } = world();
  for (let n = 0; n < 1_000; n += 1) open(`u${n}`, 1_000);
  clock.advance(6_000);
  expiries.closeExpired();
  expect(closed.length).toBe(256);
  for (let turns = 0; turns < 4; turns += 1) await turn();
  expect(closed.length).toBe(1_000);
});
