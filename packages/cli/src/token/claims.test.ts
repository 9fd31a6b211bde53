import { expect, test } from "vitest";
import { makeClaims } from "./claims.ts";

const INIT = {
  userId: "ann",
  rooms: [],
  autoJoin: [],
  issuer: undefined,
  audience: undefined,
  expiresInMs: 3_600_000,
  nowMs: 1_700_000_000_999,
};

test("say who, from when until when, and what was asked for", () => {
  expect(makeClaims(INIT)).toEqual({ sub: "ann", iat: 1_700_000_000, exp: 1_700_003_600 });
  expect(
    makeClaims({
      ...INIT,
      rooms: ["lobby", "talk-*"],
      autoJoin: ["hall"],
      issuer: "i",
      audience: "a",
    }),
  ).toMatchObject({ rooms: ["lobby", "talk-*"], auto_join: ["hall"], iss: "i", aud: "a" });
});

test.each([
  [{ userId: "" }, 'USER "" must not be empty'],
  [{ userId: "a\nb" }, "USER "],
  [{ rooms: ["*"] }, '--room "*" must have a character before its *'],
  [{ rooms: ["a*b"] }, '--room "a*b" may have a * only at its end'],
  [{ autoJoin: ["a*"] }, '--auto-join "a*" must be a name, without *'],
])("that a node would refuse are refused: %j", (given, message) => {
  expect(() => makeClaims({ ...INIT, ...given })).toThrow(message);
});
