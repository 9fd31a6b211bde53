import { expect, test } from "vitest";
import { readBearerToken, readSecretLines } from "./secret-lines.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

test("secrets stand one a line; empty lines and spaces around them do not count", () => {
  const lines = readSecretLines(Buffer.from(`\n ${SECRET}1 \r\n\n${SECRET}2\n`));
  expect(lines.map(String)).toEqual([`${SECRET}1`, `${SECRET}2`]);
});

test.each([
  ["\n \n", "has no secret"],
  [`${SECRET}\n${SECRET.slice(1)}`, "has a secret of less than 32 bytes"],
  [`${SECRET}\n`.repeat(9), "has more than 8 secrets"],
])("%j: %s", (content, problem) => {
  expect(() => readSecretLines(Buffer.from(content))).toThrow(problem);
});

test("bytes that are no UTF-8 are no secrets: they would not be the same everywhere", () => {
  expect(() => readSecretLines(Buffer.alloc(40, 0xff))).toThrow("is no UTF-8");
});

test("a bearer token stands alone in its file", () => {
  expect(readBearerToken(Buffer.from("abc.def~1=\n"))).toBe("abc.def~1=");
  for (const content of ["", "two words", "a\r\nX-Header: b", "é"]) {
    expect(() => readBearerToken(Buffer.from(content))).toThrow("is no bearer token");
  }
});
