import { ManualClock } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { Tickets } from "./tickets.ts";

const LIFE_MS = 60_000;
const OLD = Buffer.from("an old secret, of thirty-two bytes and more");
const NEW = Buffer.from("a new secret, of thirty-two bytes and more");

function tickets(secrets: Buffer[], { clock = new ManualClock(), maxRecalled = 10 } = {}) {
  return new Tickets({ secrets: () => secrets, lifeMs: LIFE_MS, maxRecalled, clock });
}

/** Of a ticket that is given. */
function given(by: Tickets, userId = "ann", room = "r"): string {
  const ticket = by.give(userId, room);
  if (ticket === undefined) throw new Error("no ticket was given");
  return ticket;
}

test("a ticket is good at every node with the secret, for its user and room only", () => {
  const ticket = given(tickets([NEW]));
  const elsewhere = tickets([NEW]);
  expect(elsewhere.check(ticket, "ann", "r")).toBe("valid");
  expect(elsewhere.check(ticket, "bob", "r")).toBe("invalid");
  expect(elsewhere.check(ticket, "ann", "s")).toBe("invalid");
});

test("a ticket tells neither the user from the room nor where one ends", () => {
  const ticket = given(tickets([NEW]), "ab", "c");
  expect(tickets([NEW]).check(ticket, "a", "bc")).toBe("invalid");
});

test("a ticket takes 52 characters, whatever the user and the room", () => {
  expect(given(tickets([NEW]), "u".repeat(256), "é".repeat(128))).toMatch(/^[\w-]{52}$/);
});

test("without a secret no ticket is given, and none is good", () => {
  expect(tickets([]).give("ann", "r")).toBeUndefined();
  expect(tickets([]).check(given(tickets([NEW])), "ann", "r")).toBe("invalid");
});

test("the first secret signs and all verify, so that secrets can be rotated", () => {
  const before = given(tickets([OLD]));
  const rotated = tickets([NEW, OLD]);
  expect(rotated.check(before, "ann", "r")).toBe("valid");
  expect(tickets([NEW]).check(given(rotated), "ann", "r")).toBe("valid");
  expect(tickets([NEW]).check(before, "ann", "r")).toBe("invalid");
});

test("a ticket ends with its time", () => {
  const clock = new ManualClock();
  const all = tickets([NEW], { clock });
  const ticket = given(all);
  clock.advance(LIFE_MS - 1);
  expect(all.check(ticket, "ann", "r")).toBe("valid");
  clock.advance(1);
  expect(all.check(ticket, "ann", "r")).toBe("expired");
});

test("a ticket of which any bit was changed is not good", () => {
  const all = tickets([NEW]);
  const bytes = Buffer.from(given(all), "base64url");
  for (let bit = 0; bit < bytes.byteLength * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(all.check(changed.toString("base64url"), "ann", "r")).toBe("invalid");
  }
});

test.each(["", "x", "-".repeat(51), "-".repeat(53), "é".repeat(26), `${"A".repeat(51)}=`])(
  "%j is no ticket",
  (text) => {
    expect(tickets([NEW]).check(text, "ann", "r")).toBe("invalid");
  },
);

test("tickets of a user taken out of a room are refused until it is put in again, others are not", () => {
  const all = tickets([NEW]);
  const ticket = given(all);
  all.recall("ann", "r");
  expect(all.check(ticket, "ann", "r")).toBe("recalled");
  expect(all.check(given(all, "ann", "s"), "ann", "s")).toBe("valid");
  expect(all.check(given(all, "bob", "r"), "bob", "r")).toBe("valid");
  all.readmit("ann", "r");
  expect(all.check(ticket, "ann", "r")).toBe("valid");
});

test("a recalled ticket is refused until it has ended", () => {
  const clock = new ManualClock();
  const all = tickets([NEW], { clock });
  all.recall("ann", "r");
  const ticket = given(all);
  clock.advance(LIFE_MS - 1);
  expect(all.check(ticket, "ann", "r")).toBe("recalled");
  clock.advance(1);
  expect(all.check(ticket, "ann", "r")).toBe("expired");
});

test("no more is remembered of recalled tickets than is allowed: the oldest is forgotten", () => {
  const all = tickets([NEW], { maxRecalled: 2 });
  for (const room of ["a", "b", "c"]) all.recall("ann", room);
  expect(all.recalled).toBe(2);
  const states = ["a", "b", "c"].map((room) => all.check(given(all, "ann", room), "ann", room));
  expect(states).toEqual(["valid", "recalled", "recalled"]);
});
