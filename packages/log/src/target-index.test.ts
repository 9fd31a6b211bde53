import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyTarget, command, publication } from "../test/publications.ts";
import { nextOffset } from "./merge.ts";
import type { OffsetList } from "./offset-list.ts";
import type { Publication } from "./publication.ts";
import { TargetIndex } from "./target-index.ts";

const ROOMS = ["r1", "r2", "r3"];
const USERS = ["u1", "u2", "u3"];

/** Whether it belongs to the room's subscription, or without a room to the user's *self*. */
function belongs(p: Publication, reader: { room: string } | { user: string }): boolean {
  if (p.command !== undefined) return false;
  if ("room" in reader) return p.roomId === reader.room;
  return p.roomId === "" && (p.userIds.length === 0 || p.userIds.includes(reader.user));
}

function offsetsOf(lists: readonly OffsetList[]): number[] {
  const offsets: number[] = [];
  for (let at = nextOffset(lists, 0); at !== undefined; at = nextOffset(lists, at + 1)) {
    offsets.push(at);
  }
  return offsets;
}

describe("TargetIndex", () => {
  test("counts a publication for users in a room to the room only", () => {
    const index = new TargetIndex();
    index.add(publication({ roomId: "r1", userIds: ["u1"] }), 0);
    expect(offsetsOf(index.room("r1"))).toEqual([0]);
    expect(offsetsOf(index.self("u1"))).toEqual([]);
  });

  test("lists a user once who is named twice, and forgets the user with the publication", () => {
    const index = new TargetIndex();
    const twice = publication({ userIds: ["u1", "u1"] });
    index.add(twice, 0);
    index.add(publication({ userIds: ["u1"] }), 1);
    expect(offsetsOf(index.self("u1"))).toEqual([0, 1]);
    index.evict(twice, 0);
    expect(offsetsOf(index.self("u1"))).toEqual([1]);
  });

  test("holds no command", () => {
    const index = new TargetIndex();
    index.add(command({ $case: "join", value: { userId: "u1", roomId: "r1" } }), 0);
    expect(index.size).toBe(0);
    expect(offsetsOf(index.self("u1"))).toEqual([]);
  });

  test("finds for each subscription what a scan of all publications finds", () => {
    const anyEntry = fc.oneof(
      { weight: 9, arbitrary: anyTarget(ROOMS, USERS) },
      {
        weight: 1,
        arbitrary: fc.constant(command({ $case: "leave", value: { userId: "u1", roomId: "r1" } })),
      },
    );
    const steps = fc.array(fc.option(anyEntry, { nil: "evict" as const, freq: 3 }), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(steps, (sequence) => {
        const index = new TargetIndex();
        const log: { p: Publication; offset: number }[] = [];
        let end = 0;
        for (const step of sequence) {
          if (step === "evict") {
            const oldest = log.shift();
            if (oldest !== undefined) index.evict(oldest.p, oldest.offset);
          } else {
            index.add(step, end);
            log.push({ p: step, offset: end });
            end += 1;
          }
        }
        const scan = (reader: { room: string } | { user: string }) =>
          log.filter(({ p }) => belongs(p, reader)).map(({ offset }) => offset);
        for (const room of ROOMS) expect(offsetsOf(index.room(room))).toEqual(scan({ room }));
        for (const user of USERS) expect(offsetsOf(index.self(user))).toEqual(scan({ user }));
        for (const { p, offset } of log) index.evict(p, offset);
        expect(index.size).toBe(0);
      }),
    );
  });
});
