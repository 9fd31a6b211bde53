import { ManualClock } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { Deadlines } from "./deadlines.ts";

function setUp() {
  const clock = new ManualClock();
  const expired: string[] = [];
  const deadlines = new Deadlines<{ name: string; deadlineSlot: number }>(clock, ({ name }) => {
    expired.push(`${name} at ${clock.monotonicMs()}`);
  });
  const item = (name: string) => ({ name, deadlineSlot: 0 });
  return { clock, expired, deadlines, item };
}

test("each item expires at its own time, whatever the order in which they came", () => {
  const { clock, expired, deadlines, item } = setUp();
  deadlines.add(item("late"), 100);
  deadlines.add(item("early"), 20);
  clock.advance(50);
  deadlines.add(item("middle"), 20);
  clock.advance(100);
  expect(expired).toEqual(["early at 20", "middle at 70", "late at 100"]);
});

test("an item never expires early, and at most 5 ms late", () => {
  const { clock, expired, deadlines, item } = setUp();
  deadlines.add(item("x"), 23);
  clock.advance(22);
  expect(expired).toEqual([]);
  clock.advance(3);
  expect(expired).toEqual(["x at 25"]);
});

test("an item does not expire when the timer fires early", () => {
  const { clock, expired, deadlines, item } = setUp();
  // Node's timers may fire up to a millisecond before their time, by the monotonic clock.
  const { setTimeout } = clock;
  clock.setTimeout = (fn, ms) => setTimeout.call(clock, fn, ms > 1 ? ms - 1 : ms);
  deadlines.add(item("x"), 20);
  clock.advance(19);
  expect(expired).toEqual([]);
  clock.advance(1);
  expect(expired).toEqual(["x at 20"]);
});

test("many items with one deadline cost one timer", () => {
  const { clock, expired, deadlines, item } = setUp();
  for (let count = 0; count < 100; count += 1) deadlines.add(item("x"), 100);
  expect(clock.pendingTimers).toBe(1);
  clock.advance(100);
  expect(expired).toHaveLength(100);
  expect(clock.pendingTimers).toBe(0);
});

test("an item that was taken out does not expire", () => {
  const { clock, expired, deadlines, item } = setUp();
  const taken = item("taken");
  deadlines.add(taken, 10);
  deadlines.add(item("left"), 10);
  deadlines.remove(taken);
  clock.advance(10);
  expect(expired).toEqual(["left at 10"]);
});

test("a time that has passed already expires at once, and all can be made to", () => {
  const { clock, expired, deadlines, item } = setUp();
  deadlines.add(item("now"), 0);
  clock.advance(1);
  deadlines.add(item("later"), 1000);
  deadlines.expireAll();
  expect(expired).toEqual(["now at 1", "later at 1"]);
  expect(clock.pendingTimers).toBe(0);
});
