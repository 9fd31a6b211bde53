import { expect, test } from "vitest";
import { Sequence } from "./sequence.ts";

function received(numbers: readonly number[], from = 0): Sequence {
  const sequence = new Sequence(from);
  for (const n of numbers) sequence.receive(n);
  return sequence;
}

test("numbers in order are deliveries and nothing else", () => {
  const { received: count, lost, repeated, outOfOrder, next } = received([0, 1, 2]);
  expect({ count, lost, repeated, outOfOrder, next }).toEqual({
    count: 3,
    lost: 0,
    repeated: 0,
    outOfOrder: 0,
    next: 3,
  });
});

test("a number that is skipped is lost until it comes, and then out of order", () => {
  const sequence = received([0, 3, 1]);
  expect(sequence.lost).toBe(1);
  expect(sequence.outOfOrder).toBe(1);
  expect(sequence.received).toBe(3);
});

test("a number that comes again is repeated and no delivery, also when it came late", () => {
  const sequence = received([0, 0, 2, 1, 1]);
  expect(sequence.repeated).toBe(2);
  expect(sequence.received).toBe(3);
});

test("numbers of the warm-up count for nothing", () => {
  const sequence = received([3, 4, 5, 6], 5);
  expect(sequence.received).toBe(2);
  expect(sequence.repeated + sequence.lost + sequence.outOfOrder).toBe(0);
});
