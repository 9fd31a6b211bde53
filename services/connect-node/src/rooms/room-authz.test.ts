import { createLogger, ManualClock } from "@pushcast/runtime";
import { expect, test } from "vitest";
import type { AuthzQuestion } from "./authz-request.ts";
import { type AuthzResult, RoomAuthz } from "./room-authz.ts";

const TIMEOUT_MS = 2_000;

/** A biz-server that answers when the test says so. */
class Desk {
  readonly clock = new ManualClock();
  readonly asked: string[] = [];
  readonly results: AuthzResult[] = [];
  readonly logged: Record<string, unknown>[] = [];
  cachedAnswers = 0;
  readonly #open: { answer(allow: boolean): void; fail(err: Error): void }[] = [];
  readonly authz: RoomAuthz;

  constructor({ maxRequests = 10, maxEntries = 10 } = {}) {
    this.authz = new RoomAuthz({
      request: ({ userId, room }, signal) => {
        this.asked.push(`${userId} ${room}`);
        return new Promise((resolve, reject) => {
          this.#open.push({ answer: resolve, fail: reject });
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
      timeoutMs: TIMEOUT_MS,
      maxRequests,
      cache: { allowMs: 10_000, denyMs: 2_000, maxEntries },
      clock: this.clock,
      logger: createLogger(
        { service: "connect-node", level: "info" },
        { write: (line) => void this.logged.push(JSON.parse(line)) },
      ),
      onResult: (result) => this.results.push(result),
      onCached: () => {
        this.cachedAnswers += 1;
      },
    });
  }

  ask(userId = "ann", room = "r") {
    return this.authz.ask({ userId, room } satisfies AuthzQuestion);
  }

  /** Answers the oldest request that is open. */
  answer(allow: boolean): void {
    this.#open.shift()?.answer(allow);
  }

  fail(): void {
    this.#open.shift()?.fail(new Error("connection reset"));
  }
}

test("an answer that allows is remembered for longer than one that denies", async () => {
  const desk = new Desk();
  const allowed = desk.ask("ann");
  const denied = desk.ask("bob");
  desk.answer(true);
  desk.answer(false);
  expect([await allowed, await denied]).toEqual(["allow", "deny"]);
  desk.clock.advance(1_999);
  expect([desk.ask("ann"), desk.ask("bob")]).toEqual(["allow", "deny"]);
  desk.clock.advance(1);
  expect([desk.ask("ann"), desk.ask("bob")]).toEqual(["allow", expect.any(Promise)]);
  desk.clock.advance(8_000);
  expect(desk.ask("ann")).toBeInstanceOf(Promise);
  expect(desk.asked).toEqual(["ann r", "bob r", "bob r", "ann r"]);
  expect(desk.cachedAnswers).toBe(3);
});

test("those who ask the same meanwhile share one request", async () => {
  const desk = new Desk();
  const answers = [desk.ask(), desk.ask(), desk.ask("ann", "other")];
  desk.answer(true);
  desk.answer(false);
  expect(await Promise.all(answers)).toEqual(["allow", "allow", "deny"]);
  expect(desk.asked).toEqual(["ann r", "ann other"]);
});

test("an error or a timeout lets nobody in, and is not remembered", async () => {
  const desk = new Desk();
  const failing = desk.ask();
  desk.fail();
  expect(await failing).toBe("unavailable");
  const silent = desk.ask();
  desk.clock.advance(TIMEOUT_MS);
  expect(await silent).toBe("unavailable");
  void desk.ask();
  expect(desk.asked).toHaveLength(3);
  expect(desk.results).toEqual(["error", "timeout"]);
});

test("no more requests than allowed are under way at once; others wait within their own time", async () => {
  const desk = new Desk({ maxRequests: 1 });
  const first = desk.ask("a");
  const second = desk.ask("b");
  const third = desk.ask("c");
  expect(desk.asked).toEqual(["a r"]);
  desk.clock.advance(TIMEOUT_MS - 1);
  desk.answer(true);
  expect(await first).toBe("allow");
  expect(desk.asked).toEqual(["a r", "b r"]);
  desk.clock.advance(1);
  expect([await second, await third]).toEqual(["unavailable", "unavailable"]);
  expect(desk.asked).toEqual(["a r", "b r"]);
  expect(desk.authz.pending).toBe(0);
  const later = desk.ask("d");
  desk.answer(true);
  desk.answer(true);
  expect(await later).toBe("allow");
});

test("one user's many questions make another wait for one of them only", async () => {
  const desk = new Desk({ maxRequests: 1 });
  const first = desk.ask("mallory", "0");
  const second = desk.ask("mallory", "1");
  for (let room = 2; room < 100; room += 1) void desk.ask("mallory", String(room));
  const ann = desk.ask("ann");
  desk.answer(true);
  await first;
  desk.answer(true);
  await second;
  expect(desk.asked).toEqual(["mallory 0", "mallory 1", "ann r"]);
  desk.answer(true);
  expect(await ann).toBe("allow");
  expect(desk.asked.at(-1)).toBe("mallory 2");
  desk.authz.stop();
});

test("a place that nobody waits for any more is free", async () => {
  const desk = new Desk({ maxRequests: 1 });
  const first = desk.ask("ann");
  desk.clock.advance(1);
  const second = desk.ask("bob", "0");
  const third = desk.ask("bob", "1");
  desk.clock.advance(TIMEOUT_MS);
  expect(await Promise.all([first, second, third])).toEqual(Array(3).fill("unavailable"));
  const later = [desk.ask("bob", "2"), desk.ask("cat")];
  desk.answer(true);
  desk.answer(true);
  expect(await later[0]).toBe("allow");
  desk.answer(true);
  expect(await later[1]).toBe("allow");
});

test("no more answers are remembered than allowed: the oldest gives way", async () => {
  const desk = new Desk({ maxEntries: 2 });
  for (const user of ["a", "b", "c"]) {
    const answer = desk.ask(user);
    desk.answer(true);
    await answer;
  }
  expect(desk.authz.cached).toBe(2);
  expect(desk.ask("b")).toBe("allow");
  expect(desk.ask("a")).toBeInstanceOf(Promise);
});

test("what was answered before a user was taken out of the room counts no more", async () => {
  const desk = new Desk();
  const before = desk.ask();
  desk.answer(true);
  await before;
  desk.authz.forget("ann", "r");
  const meanwhile = desk.ask();
  desk.authz.forget("ann", "r");
  const after = desk.ask();
  desk.answer(true);
  desk.answer(false);
  expect([await meanwhile, await after]).toEqual(["unavailable", "deny"]);
  expect(desk.ask()).toBe("deny");
});

test("a stop ends what is under way", async () => {
  const desk = new Desk();
  const answer = desk.ask();
  desk.authz.stop();
  expect(await answer).toBe("unavailable");
  expect(desk.clock.pendingTimers).toBe(0);
});

test("that nobody is let in is logged once a minute at most, and its end as soon as it is known", async () => {
  const desk = new Desk();
  for (const user of ["ann", "bob"]) {
    const asked = desk.ask(user);
    desk.fail();
    await asked;
  }
  for (const user of ["cid", "dan"]) {
    const asked = desk.ask(user);
    desk.answer(true);
    await asked;
  }
  expect(desk.logged).toMatchObject([
    { level: "error", msg: "AUTHZ_URL does not say who may join; nobody is let in" },
    { level: "info", msg: "AUTHZ_URL says again who may join" },
  ]);
});
