import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EpochTable, MAX_HOLES } from "./epoch-table.ts";
import { MAX_POSITION_ENTRIES } from "./position.ts";

const A = "00000000000000aa";
const B = "00000000000000bb";

function tableWith(...epochs: string[]): EpochTable {
  const table = new EpochTable();
  for (const epoch of epochs) table.attach(epoch, 0);
  return table;
}

describe("EpochTable", () => {
  test("begins a new epoch at its manager's tail, and does not move a known one", () => {
    const table = new EpochTable();
    expect(table.attach(A, 7)).toMatchObject({ tail: 7, head: 7, holes: [] });
    table.advance(A, 9);
    expect(table.attach(A, 20)).toMatchObject({ tail: 7, head: 9 });
  });

  test("knows nothing of an epoch to which no link was", () => {
    const table = new EpochTable();
    table.advance(A, 5);
    table.evicted(A, 5);
    table.detach(A, 0);
    expect(table.skipTo(A, 5)).toBe(false);
    expect(table.size).toBe(0);
  });

  test("never lowers a head", () => {
    const table = tableWith(A);
    table.advance(A, 5);
    table.advance(A, 3);
    expect(table.get(A)?.head).toBe(5);
  });

  test("records a hole only beyond the head, and joins one to its neighbour", () => {
    const table = tableWith(A);
    table.advance(A, 5);
    expect(table.skipTo(A, 5)).toBe(false);
    expect(table.skipTo(A, 8)).toBe(true);
    expect(table.skipTo(A, 10)).toBe(true);
    table.advance(A, 11);
    expect(table.skipTo(A, 12)).toBe(true);
    expect(table.get(A)?.holes).toEqual([
      { after: 5, through: 10 },
      { after: 11, through: 12 },
    ]);
  });

  test("keeps apart when a link ended here and when the manager was last heard of by a peer", () => {
    const table = new EpochTable();
    table.attach(A, 0);
    table.detach(A, 100);
    table.copied(A, 0, 500);
    expect(table.get(A)).toMatchObject({ goneAtMs: 500, detachedAtMs: 100 });
    table.copied(A, 0, 300);
    expect(table.get(A)).toMatchObject({ goneAtMs: 500, detachedAtMs: 100 });
  });

  test("begins an epoch that a peer told of at the peer's tail, and does not move a known one", () => {
    const table = new EpochTable();
    expect(table.copied(A, 7, 100)).toMatchObject({ tail: 7, head: 7, holes: [], goneAtMs: 100 });
    table.advance(A, 9);
    expect(table.copied(A, 20, 100)).toMatchObject({ tail: 7, head: 9, holes: [] });
    expect(table.heads()).toEqual(new Map([[A, 9]]));
  });

  test("does not hear of peers that an attached manager is gone", () => {
    const table = tableWith(A);
    table.copied(A, 0, 100);
    expect(table.get(A)?.goneAtMs).toBeUndefined();
  });

  test("forgets an epoch after a peer's last link to it, where that was later than the one here", () => {
    const table = tableWith(A);
    table.detach(A, 100);
    table.copied(A, 0, 500);
    table.forgetGone(1_500, 1_000);
    expect(table.size).toBe(1);
    table.forgetGone(1_501, 1_000);
    expect(table.size).toBe(0);
  });

  test("cuts the holes at the tail", () => {
    const table = tableWith(A);
    table.advance(A, 2);
    table.skipTo(A, 4);
    table.advance(A, 5);
    table.skipTo(A, 8);
    table.evicted(A, 5);
    expect(table.get(A)).toMatchObject({ tail: 5, holes: [{ after: 5, through: 8 }] });
    table.advance(A, 9);
    table.evicted(A, 9);
    expect(table.get(A)).toMatchObject({ tail: 9, head: 9, holes: [] });
  });

  test(`joins the oldest holes when there are more than ${MAX_HOLES}`, () => {
    const table = tableWith(A);
    for (let hole = 0; hole <= MAX_HOLES; hole += 1) {
      table.advance(A, hole * 2 + 1);
      table.skipTo(A, hole * 2 + 2);
    }
    const holes = table.get(A)?.holes;
    expect(holes).toHaveLength(MAX_HOLES);
    expect(holes?.slice(0, 2)).toEqual([
      { after: 1, through: 4 },
      { after: 5, through: 6 },
    ]);
    table.evicted(A, 3);
    expect(table.get(A)).toMatchObject({ tail: 3 });
    expect(table.get(A)?.holes[0]).toEqual({ after: 3, through: 4 });
    const head = MAX_HOLES * 2 + 2;
    expect(table.covers(new Map([[A, head - 1]]))).toBe(false);
    expect(table.covers(new Map([[A, head]]))).toBe(true);
  });

  test("covers a position if it is at or above every tail and every hole", () => {
    const table = tableWith(A);
    table.attach(B, 3);
    table.advance(A, 10);
    expect(table.covers(new Map([[B, 3]]))).toBe(true);
    expect(table.covers(new Map())).toBe(false);
    expect(table.covers(new Map([[B, 2]]))).toBe(false);
    table.skipTo(A, 12);
    expect(table.covers(new Map([[B, 3]]))).toBe(false);
    expect(
      table.covers(
        new Map([
          [A, 12],
          [B, 3],
        ]),
      ),
    ).toBe(true);
    // An epoch that is known only to the client is no objection.
    expect(tableWith().covers(new Map([[A, 4]]))).toBe(true);
  });

  test("forgets an epoch when its manager has been gone for long enough, and not before", () => {
    const table = tableWith(A, B);
    table.detach(A, 100);
    table.detach(A, 500);
    table.forgetGone(150, 50);
    expect(table.size).toBe(2);
    expect(table.heads().has(A)).toBe(true);
    table.forgetGone(151, 50);
    expect([...table.entries()].map(([epoch]) => epoch)).toEqual([B]);
    expect(table.heads().has(A)).toBe(false);
  });

  test("does not forget an epoch whose manager came back", () => {
    const table = tableWith(A);
    table.detach(A, 100);
    table.attach(A, 0);
    table.forgetGone(1_000_000, 50);
    expect(table.get(A)?.goneAtMs).toBeUndefined();
  });

  test("shows at most 100 heads: those of managers that are there, then of those gone last", () => {
    const table = new EpochTable();
    const name = (index: number) => index.toString(16).padStart(16, "0");
    for (let index = 0; index < MAX_POSITION_ENTRIES + 20; index += 1) table.attach(name(index), 0);
    expect(table.heads().has(name(99))).toBe(true);
    for (let index = 0; index < 30; index += 1) table.detach(name(index), 1000 - index);
    const shown = table.heads();
    expect(shown.size).toBe(MAX_POSITION_ENTRIES);
    for (let index = 0; index < 10; index += 1) expect(shown.has(name(index))).toBe(true);
    for (let index = 10; index < 30; index += 1) expect(shown.has(name(index))).toBe(false);
    table.attach(name(29), 0);
    expect(table.heads().has(name(29))).toBe(true);
  });

  test("shows heads that do not change under their reader", () => {
    const table = tableWith(A);
    const before = table.heads();
    table.advance(A, 4);
    expect(before.get(A)).toBe(0);
    expect(table.heads().get(A)).toBe(4);
  });

  test("holds of each epoch exactly what was appended and not evicted, and knows what it lacks", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const), n: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("skip" as const), n: fc.nat(3) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("evict" as const), n: fc.nat(3) }) },
    );
    const onEpoch = fc.record({ epoch: fc.constantFrom(A, B), step });
    const probe = fc.dictionary(fc.constantFrom(A, B), fc.nat(40), { maxKeys: 2 });
    fc.assert(
      fc.property(
        fc.nat(5),
        fc.array(onEpoch, { maxLength: 80 }),
        fc.array(probe, { maxLength: 10 }),
        (tail, sequence, probes) => {
          const table = new EpochTable();
          /** Every seq of an epoch that was ever accepted, and whether the node still has it. */
          const naive = new Map<string, { first: number; held: boolean[] }>();
          for (const epoch of [A, B]) {
            table.attach(epoch, tail);
            naive.set(epoch, { first: tail, held: [] });
          }
          for (const { epoch, step } of sequence) {
            const model = naive.get(epoch);
            if (model === undefined) continue;
            const { first, held } = model;
            for (let count = 0; count < step.n; count += 1) {
              if (step.kind === "append") held.push(true);
              else if (step.kind === "skip") held.push(false);
              else if (held.includes(true)) {
                const index = held.indexOf(true);
                held[index] = false;
                table.evicted(epoch, first + index + 1);
              }
            }
            if (step.kind === "append") table.advance(epoch, first + held.length);
            if (step.kind === "skip") table.skipTo(epoch, first + held.length);
          }
          for (const [epoch, { first, held }] of naive) {
            const state = table.get(epoch);
            const inTable: number[] = [];
            for (let seq = (state?.tail ?? 0) + 1; seq <= (state?.head ?? 0); seq += 1) {
              const isHole = state?.holes.some((h) => seq > h.after && seq <= h.through);
              if (!isHole) inTable.push(seq);
            }
            const inModel = held.flatMap((isHeld, index) => (isHeld ? [first + index + 1] : []));
            expect(inTable).toEqual(inModel);
            expect(table.heads().get(epoch)).toBe(first + held.length);
            for (const [index, hole] of (state?.holes ?? []).entries()) {
              const before = state?.holes[index - 1]?.through ?? state?.tail ?? 0;
              expect(hole.after).toBeGreaterThanOrEqual(before);
              expect(hole.through).toBeGreaterThan(hole.after);
            }
          }
          for (const position of [{}, ...probes]) {
            const lacksNothing = [...naive].every(([epoch, { first, held }]) => {
              const from = position[epoch] ?? 0;
              if (from < first) return false;
              return held.every((isHeld, index) => isHeld || first + index + 1 <= from);
            });
            expect(table.covers(new Map(Object.entries(position)))).toBe(lacksNothing);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
