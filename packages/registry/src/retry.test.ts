import { describe, expect, it } from "vitest";
import { Alarm, atMost, retryDelayMs } from "./retry.ts";

describe("the delay before a retry", () => {
  it("grows from 300 ms to one second and stays there", () => {
    const longest = () => 1;
    expect([1, 2, 3, 4, 1_000_000].map((failures) => retryDelayMs(failures, longest))).toEqual([
      300, 600, 1_000, 1_000, 1_000,
    ]);
  });

  it("never allows five tries a second, also if each is taken for the first", () => {
    const shortestMs = retryDelayMs(1, () => 0);
    expect(4 * shortestMs + shortestMs).toBeGreaterThan(1_000);
  });

  it("has a jitter of a quarter", () => {
    expect(retryDelayMs(3, () => 0)).toBe(750);
  });
});

describe("an alarm", () => {
  it("ends the sleep when it is woken", async () => {
    const alarm = new Alarm();
    const sleep = alarm.sleep(3_600_000);
    alarm.wake();
    await sleep;
  });

  it("ends the sleep by itself", async () => {
    await new Alarm().sleep(1);
  });
});

describe("a bounded wait", () => {
  it("ends with the promise or with the time, whichever is first", async () => {
    await atMost(3_600_000, Promise.resolve());
    await atMost(1, new Promise(() => {}));
  });
});
