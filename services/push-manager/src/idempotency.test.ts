import { DeliveryReport } from "@pushcast/api";
import { expect, test } from "vitest";
import { IdempotencyKeys } from "./idempotency.ts";
import type { PushAnswer } from "./push.ts";

const ANSWER: PushAnswer = { messageId: "e-1", report: DeliveryReport.create({ nodesTotal: 1 }) };

test("those who ask while the first is in flight get its answer with it, later ones at once", () => {
  const keys = new IdempotencyKeys({ maxAgeMs: 1000, maxKeys: 10 });
  const answers: PushAnswer[] = [];
  const first = keys.begin("k", 0);
  keys.find("k", 1)?.whenAnswered((answer) => answers.push(answer));
  expect(answers).toEqual([]);
  first.answer(ANSWER);
  expect(answers).toEqual([ANSWER]);
  keys.find("k", 1)?.whenAnswered((answer) => answers.push(answer));
  expect(answers).toEqual([ANSWER, ANSWER]);
});

test("a key is forgotten after its time", () => {
  const keys = new IdempotencyKeys({ maxAgeMs: 1000, maxKeys: 10 });
  keys.begin("a", 0);
  keys.begin("b", 500);
  expect(keys.find("a", 1000)).toBeDefined();
  expect(keys.find("a", 1001)).toBeUndefined();
  expect(keys.find("b", 1001)).toBeDefined();
  expect(keys.size).toBe(1);
});

test("beyond the bound the oldest key is forgotten, and its waiters are still answered", () => {
  const keys = new IdempotencyKeys({ maxAgeMs: 1000, maxKeys: 2 });
  const first = keys.begin("a", 0);
  let answered = false;
  first.whenAnswered(() => {
    answered = true;
  });
  keys.begin("b", 0);
  keys.begin("c", 0);
  expect(keys.size).toBe(2);
  expect(keys.find("a", 0)).toBeUndefined();
  first.answer(ANSWER);
  expect(answered).toBe(true);
});
