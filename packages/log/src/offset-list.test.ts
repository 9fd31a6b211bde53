import fc from "fast-check";
import { expect, test } from "vitest";
import { OffsetList } from "./offset-list.ts";

test("finds the lowest offset at or above another", () => {
  const list = new OffsetList();
  for (const offset of [3, 5, 9]) list.append(offset);
  expect([0, 3, 4, 9, 10].map((from) => list.nextFrom(from))).toEqual([3, 3, 5, 9, undefined]);
});

test("ignores the eviction of an offset that is not its first", () => {
  const list = new OffsetList();
  list.append(3);
  list.append(5);
  list.evict(5);
  list.evict(4);
  expect(list.size).toBe(2);
  list.evict(3);
  list.evict(5);
  list.evict(5);
  expect(list.size).toBe(0);
  expect(list.nextFrom(0)).toBeUndefined();
});

test("is a sorted array from which the front is taken, whatever is asked", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), gap: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant("evict" as const), gap: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.nat(300), (steps, lead) => {
      const list = new OffsetList();
      const naive: number[] = [];
      let last = 0;
      const append = (gap: number) => {
        last += gap;
        list.append(last);
        naive.push(last);
      };
      for (let count = 0; count < lead; count += 1) append(1);
      for (const { kind, gap } of steps) {
        if (kind === "append") append(gap);
        else list.evict(naive.shift() ?? -1);
        expect(list.size).toBe(naive.length);
        for (const from of [
          0,
          (naive[0] ?? 0) - 1,
          (last + (naive[0] ?? 0)) >>> 1,
          last,
          last + 1,
        ]) {
          expect(list.nextFrom(from)).toBe(naive.find((offset) => offset >= from));
        }
      }
    }),
  );
});
