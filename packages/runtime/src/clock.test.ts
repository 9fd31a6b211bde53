import { describe, expect, test } from "vitest";
import { ManualClock, systemClock } from "./clock.ts";

describe("ManualClock", () => {
  test("stands still until it is advanced", () => {
    const clock = new ManualClock(1_000);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 0]);
    clock.advance(250);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_250, 250]);
  });

  test("fires timers in the order of their time, then in the order in which they were set", () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    const at = (name: string, ms: number) =>
      clock.setTimeout(() => fired.push(`${name}@${clock.monotonicMs()}`), ms);
    at("late", 30);
    at("first", 10);
    at("second", 10);
    at("beyond", 31);
    clock.advance(30);
    expect(fired).toEqual(["first@10", "second@10", "late@30"]);
    expect(clock.monotonicMs()).toBe(30);
  });

  test("fires a timer that another timer sets, when it falls due in the same advance", () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const again = () => {
      fired.push(clock.monotonicMs());
      clock.setTimeout(again, 10);
    };
    clock.setTimeout(again, 10);
    clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
  });

  test("does not fire what was cleared, also by a timer of the same time", () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    clock.setTimeout(() => clock.clearTimeout(victim), 10);
    const victim = clock.setTimeout(() => fired.push("victim"), 10);
    clock.advance(10);
    expect(fired).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("repeats an interval until it is cleared, also from within", () => {
    const clock = new ManualClock();
    let ticks = 0;
    const interval = clock.setInterval(() => {
      if (++ticks === 3) clock.clearInterval(interval);
    }, 5);
    clock.advance(100);
    expect(ticks).toBe(3);
    expect(clock.pendingTimers).toBe(0);
  });

  test("does not hang on timers of no length that set each other", () => {
    const clock = new ManualClock();
    let count = 0;
    const again = () => {
      count += 1;
      clock.setTimeout(again, 0);
    };
    clock.setTimeout(again, 0);
    clock.advance(3);
    expect(count).toBe(3);
  });
});

test("a ManualClock says how long it is until the next timer, if there is one", () => {
  const clock = new ManualClock();
  expect(clock.msToNextTimer).toBeUndefined();
  clock.setTimeout(() => {}, 50);
  clock.setInterval(() => {}, 30);
  expect(clock.msToNextTimer).toBe(30);
  clock.advance(40);
  expect(clock.msToNextTimer).toBe(10);
});

describe("systemClock", () => {
  test("fires a timeout, and not one that was cleared", async () => {
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      const cleared = systemClock.setTimeout(() => fired.push("cleared"), 0);
      systemClock.clearTimeout(cleared);
      systemClock.setTimeout(resolve, 2);
    });
    expect(fired).toEqual([]);
  });

  test("keeps the process alive with a timer, unless told otherwise", () => {
    const kept = systemClock.setTimeout(() => {}, 1_000) as NodeJS.Timeout;
    const loose = systemClock.setInterval(() => {}, 1_000, { unref: true }) as NodeJS.Timeout;
    expect([kept.hasRef(), loose.hasRef()]).toEqual([true, false]);
    systemClock.clearTimeout(kept);
    systemClock.clearInterval(loose);
  });

  test("tells the time in Unix milliseconds, and durations that never go back", () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
    const before = systemClock.monotonicMs();
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
  });
});
