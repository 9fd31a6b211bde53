import { describe, expect, test } from "vitest";
import {
  addCounts,
  checkHistory,
  type DeliveryCounts,
  type HistoryEvent,
  type KnownPush,
  KnownPushes,
  noDeliveries,
} from "./history.ts";

const A = "00000000000000aa";
const B = "00000000000000bb";

/** Push n is the n-th publication of A, for the room. */
function pushed(n: number, given: Partial<KnownPush> = {}): KnownPush {
  return {
    push: n,
    publications: [{ epoch: A, seq: n }],
    roomId: "room",
    userIds: [],
    excludeUserIds: [],
    ...given,
  };
}

const at = (a: number, b?: number) =>
  new Map([[A, a], ...(b === undefined ? [] : ([[B, b]] as const))]);
const began: HistoryEvent = { kind: "began", position: at(0) };
const ended: HistoryEvent = { kind: "ended" };
const got = (seq: number, push = seq, epoch = A): HistoryEvent => ({
  kind: "message",
  epoch,
  seq,
  push,
});
const gap = (a: number): HistoryEvent => ({ kind: "gap", position: at(a) });
const answered = (a: number, recovered: boolean): HistoryEvent => ({
  kind: "answered",
  position: at(a),
  recovered,
});

function check(
  events: readonly HistoryEvent[],
  pushes: readonly KnownPush[] = [pushed(1), pushed(2), pushed(3)],
  { room }: { readonly room: string | undefined } = { room: "room" },
) {
  return checkHistory({ userId: "ann", room, events }, new KnownPushes(pushes));
}

const SELF = { room: undefined };

function counts(given: Partial<DeliveryCounts>): DeliveryCounts {
  return { ...noDeliveries(), ...given };
}

describe("a history without a fault", () => {
  test("has everything once and in order", () => {
    expect(check([began, got(1), got(2), got(3)])).toEqual({
      counts: counts({ deliveries: 3 }),
      faults: [],
    });
  });

  test("lacks what was accepted before the subscription began", () => {
    const events: HistoryEvent[] = [{ kind: "began", position: at(2) }, got(3)];
    expect(check(events).counts).toEqual(counts({ deliveries: 1 }));
  });

  test("goes on after a reconnect that was recovered", () => {
    const events = [began, got(1), ended, answered(1, true), got(2), got(3)];
    expect(check(events).counts).toEqual(counts({ deliveries: 3, recovered: 1 }));
  });

  test("lacks what a gap said, and what an answer said that was not recovered", () => {
    expect(check([began, got(1), gap(2), got(3)]).counts).toEqual(
      counts({ deliveries: 2, missed: 1, gaps: 1 }),
    );
    expect(check([began, got(1), ended, answered(2, false), got(3)]).counts).toEqual(
      counts({ deliveries: 2, missed: 1, gaps: 1, notRecovered: 1 }),
    );
  });

  test("lacks what had not been dealt with when it was left", () => {
    const left: HistoryEvent = { kind: "left" };
    expect(check([began, got(1), left]).counts).toEqual(counts({ deliveries: 1 }));
    const position: HistoryEvent = { kind: "position", position: at(3) };
    expect(check([began, got(1), position, left]).counts).toEqual(
      counts({ deliveries: 1, lost: 2 }),
    );
  });

  test("has a push that was retried through another manager once, under either id", () => {
    const retried = pushed(2, {
      publications: [
        { epoch: A, seq: 2 },
        { epoch: B, seq: 1 },
      ],
    });
    const all = [pushed(1), retried, pushed(3)];
    expect(check([began, got(1), got(2), got(3)], all).faults).toEqual([]);
    expect(check([began, got(1), got(1, 2, B), got(3)], all).faults).toEqual([]);
  });
});

describe("a fault that is found", () => {
  test("a push that is missing in silence is lost", () => {
    expect(check([began, got(1), got(3)])).toEqual({
      counts: counts({ deliveries: 2, lost: 1 }),
      faults: [`ann in room: lost: push 2, ${A}-2`],
    });
  });

  test("so is one that is missing after an answer that was recovered", () => {
    const events = [began, got(1), ended, answered(1, true), got(3)];
    expect(check(events).counts).toMatchObject({ lost: 1, missed: 0 });
  });

  test("so is one behind the first answer, where nobody saw the subscription begin", () => {
    expect(check([answered(1, true), got(3)]).counts).toMatchObject({ lost: 1, missed: 0 });
    expect(check([answered(1, false), got(3)]).counts).toMatchObject({ lost: 1, missed: 0 });
  });

  test("so is one that a later gap does not reach back to", () => {
    expect(check([began, got(1), got(3), gap(9)]).counts).toMatchObject({ lost: 1, missed: 0 });
    const position: HistoryEvent = { kind: "position", position: at(2) };
    expect(check([began, got(1), position, gap(3)]).counts).toMatchObject({ lost: 1, missed: 1 });
  });

  test("so is one behind the end of what a gap said", () => {
    expect(check([began, gap(2)]).counts).toMatchObject({ lost: 1, missed: 2 });
  });

  test("a push that comes again is repeated, also under another id", () => {
    expect(check([began, got(1), got(2), got(3), got(1, 3, B)])).toMatchObject({
      counts: counts({ deliveries: 4, repeated: 1 }),
      faults: [`ann in room: repeated: push 3, ${B}-1`],
    });
  });

  test("a message at or below the one before is out of order", () => {
    expect(check([began, got(1), got(3), got(2)])).toMatchObject({
      counts: counts({ deliveries: 3, outOfOrder: 1 }),
      faults: [`ann in room: out of order: push 2, ${A}-2`],
    });
  });

  test.for<[string, Partial<KnownPush>]>([
    ["another room", { roomId: "elsewhere" }],
    ["other users", { userIds: ["bob"] }],
    ["all but this user", { excludeUserIds: ["ann"] }],
    ["everybody, and not in this room", { roomId: "" }],
  ])("a message for %s is misdirected", ([, given]) => {
    expect(check([began, got(1)], [pushed(1, given)]).counts).toEqual(
      counts({ deliveries: 1, misdirected: 1 }),
    );
  });

  test("so is one that nobody pushed, and one between two connections", () => {
    expect(check([began, got(1)], [])).toMatchObject({
      counts: { misdirected: 1 },
      faults: [`ann in room: misdirected, as nobody pushed it: push 1, ${A}-1`],
    });
    expect(check([began, ended, got(1)], [pushed(1)])).toMatchObject({
      counts: { misdirected: 1 },
      faults: [`ann in room: misdirected, as nothing was to be heard: push 1, ${A}-1`],
    });
  });

  test("a gap for which nothing is missing is needless", () => {
    const events = [began, got(1), gap(1), got(2), ended, answered(2, false), got(3)];
    expect(check(events).counts).toEqual(
      counts({ deliveries: 3, gaps: 2, needlessGaps: 2, notRecovered: 1 }),
    );
  });
});

test("self gets what is for its user and for everybody, and nothing of a room", () => {
  const all = [
    pushed(1, { roomId: "", userIds: ["ann", "bob"] }),
    pushed(2, { roomId: "" }),
    pushed(3, { userIds: ["ann"] }),
    pushed(4, { roomId: "", excludeUserIds: ["ann"] }),
  ];
  expect(check([began, got(1), got(2)], all, SELF).counts).toEqual(counts({ deliveries: 2 }));
  expect(check([began], all, SELF).counts).toEqual(counts({ lost: 2 }));
});

test("counts are added up", () => {
  const sum = noDeliveries();
  addCounts(sum, counts({ deliveries: 2, lost: 1 }));
  addCounts(sum, counts({ deliveries: 3, gaps: 4 }));
  expect(sum).toEqual(counts({ deliveries: 5, lost: 1, gaps: 4 }));
});
