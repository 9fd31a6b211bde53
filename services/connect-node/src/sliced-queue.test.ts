import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { SlicedQueue } from "./sliced-queue.ts";

/** A queue of named works, each of which takes as long as the test says. */
function desk() {
  const clock = new ManualClock();
  const queue = new SlicedQueue(clock);
  const done: string[] = [];
  const add = (name: string, tookMs = 0, then = () => {}) =>
    queue.add(() => {
      clock.advance(tookMs);
      done.push(name);
      then();
    });
  return { add, done };
}

test("works in the order in which work came, and not at once", async () => {
  const { add, done } = desk();
  for (const name of ["a", "b", "c"]) add(name);
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual(["a", "b", "c"]);
});

test("works for 5 ms, and goes on in the next turn of the event loop", async () => {
  const { add, done } = desk();
  for (let n = 0; n < 9; n += 1) add(`${n}`, 2);
  for (const count of [3, 6, 9]) {
    await turn();
    expect(done).toHaveLength(count);
  }
});

test("does what is added meanwhile last", async () => {
  const { add, done } = desk();
  add("a", 0, () => add("c"));
  add("b");
  await turn();
  expect(done).toEqual(["a", "b", "c"]);
});
