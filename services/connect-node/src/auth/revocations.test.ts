import { ManualClock } from "@pushcast/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Identity } from "../identity.ts";
import { Revocations } from "./revocations.ts";

const KEEP_MS = 1_000;

function identity(userId: string, issuedAtMs: number | undefined): Identity {
  return { userId, rooms: undefined, autoJoin: [], issuedAtMs, expiresAtMs: undefined };
}

/** What another node knows by what this one tells. */
function copyOf(revocations: Revocations, clock: ManualClock): Revocations {
  const copy = new Revocations({ clock, keepMs: KEEP_MS, maxUsers: 3 });
  for (const revocation of revocations.entries()) copy.add(revocation);
  return copy;
}

describe("a revocation", () => {
  test("covers the user's tokens of that time and before, for as long as they could live", () => {
    const clock = new ManualClock();
    const revocations = new Revocations({ clock, keepMs: KEEP_MS, maxUsers: 10 });
    const nowMs = clock.now();
    revocations.add({ userId: "ann", issuedBeforeMs: nowMs });
    revocations.add({ userId: "ann", issuedBeforeMs: nowMs - 500 });
    expect(revocations.covers(identity("ann", nowMs))).toBe(true);
    expect(revocations.covers(identity("ann", nowMs - 100))).toBe(true);
    expect(revocations.covers(identity("ann", nowMs + 1))).toBe(false);
    expect(revocations.covers(identity("bob", nowMs))).toBe(false);
    expect(revocations.covers(identity("ann", undefined))).toBe(false);
    clock.advance(KEEP_MS);
    revocations.forgetOld();
    expect(revocations.size).toBe(1);
    clock.advance(1);
    revocations.forgetOld();
    expect(revocations.size).toBe(0);
    revocations.add({ userId: "ann", issuedBeforeMs: nowMs });
    expect(revocations.size).toBe(0);
  });

  test("is never forgotten while a token that it concerns may live, however many there are", () => {
    const times = fc.record({
      user: fc.integer({ min: 0, max: 9 }),
      passMs: fc.integer({ min: 0, max: 300 }),
      agoMs: fc.integer({ min: 0, max: 500 }),
    });
    fc.assert(
      fc.property(fc.array(times, { maxLength: 60 }), (happenings) => {
        const clock = new ManualClock();
        const revocations = new Revocations({ clock, keepMs: KEEP_MS, maxUsers: 3 });
        const all: { user: string; beforeMs: number }[] = [];
        for (const { user, passMs, agoMs } of happenings) {
          clock.advance(passMs);
          revocations.forgetOld();
          const one = { user: `u${user}`, beforeMs: clock.now() - agoMs };
          revocations.add({ userId: one.user, issuedBeforeMs: one.beforeMs });
          all.push(one);
          expect(revocations.size).toBeLessThanOrEqual(3);
          for (const { user: userId, beforeMs } of all) {
            const lives = beforeMs + KEEP_MS >= clock.now();
            if (lives) expect(revocations.covers(identity(userId, beforeMs))).toBe(true);
            if (lives)
              expect(copyOf(revocations, clock).covers(identity(userId, beforeMs))).toBe(true);
          }
          // Who got a new token gets in.
          expect(revocations.covers(identity(one.user, clock.now() + 1))).toBe(false);
        }
      }),
    );
  });
});
