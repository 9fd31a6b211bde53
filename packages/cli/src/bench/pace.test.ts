import { expect, test } from "vitest";
import { atEvenRate } from "./pace.ts";

/** A clock that stands still but for the sleeps. */
function scriptedTime() {
  let nowMs = 0;
  return {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test("calls are made at an even rate", async () => {
  const time = scriptedTime();
  const atMs: number[] = [];
  await atEvenRate({ count: 5, perSecond: 100, ...time }, () => {
    atMs.push(time.now());
    return undefined;
  });
  expect(atMs).toEqual([0, 10, 20, 30, 40]);
});

test("calls that are late do not move those that follow", async () => {
  const time = scriptedTime();
  const atMs: number[] = [];
  await atEvenRate({ count: 5, perSecond: 100, ...time }, (number) => {
    if (number === 1) time.pass(25);
    atMs.push(time.now());
    return undefined;
  });
  expect(atMs).toEqual([0, 35, 35, 35, 40]);
});

test("nothing is sent while a call holds the others back", async () => {
  const time = scriptedTime();
  const atMs: number[] = [];
  await atEvenRate({ count: 3, perSecond: 1_000, ...time }, (number) => {
    atMs.push(time.now());
    return number === 0 ? time.sleep(500) : undefined;
  });
  expect(atMs).toEqual([0, 500, 500]);
});
