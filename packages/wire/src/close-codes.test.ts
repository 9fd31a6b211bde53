import { expect, test } from "vitest";
import { CLOSE_CODES, closeReason } from "./close-codes.ts";

test("a client reconnects after all codes but 4400, 4401, 4403 and 4410", () => {
  const final = Object.values(CLOSE_CODES).filter(({ reconnect }) => !reconnect);
  expect(final.map(({ code }) => code)).toEqual([4400, 4401, 4403, 4410]);
});

test("each code has one name", () => {
  const codes = Object.values(CLOSE_CODES).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

test("each meaning fits a close frame, so that it can be its reason", () => {
  for (const name of Object.keys(CLOSE_CODES) as (keyof typeof CLOSE_CODES)[]) {
    expect(Buffer.byteLength(closeReason(name).reason)).toBeLessThanOrEqual(123);
  }
  expect(closeReason("INVALID_FRAME", "not JSON")).toEqual({ code: 4400, reason: "not JSON" });
});
