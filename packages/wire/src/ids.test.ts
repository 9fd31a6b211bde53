import fc from "fast-check";
import { expect, test } from "vitest";
import { idProblem } from "./ids.ts";

test.each(["a", "room-001", "räume/日本 🎈", "x".repeat(256), "é".repeat(128), " ", "\u00a0"])(
  "%j is a valid id",
  (id) => {
    expect(idProblem(id)).toBeUndefined();
  },
);

test.each([
  "",
  "x".repeat(257),
  "é".repeat(129),
  "a\u0000",
  "\u001f",
  "\u007f",
  "\u0080",
  "\u009f",
])("%j is not a valid id", (id) => {
  expect(idProblem(id)).toBeTypeOf("string");
});

test("a lone surrogate is not UTF-8", () => {
  expect(idProblem("a\ud83c")).toBeTypeOf("string");
  expect(idProblem("\udf88a")).toBeTypeOf("string");
});

test("an id is valid exactly if it survives UTF-8, is 1–256 bytes and has no control characters", () => {
  const anyString = fc.string({ unit: "binary", maxLength: 200 });
  const withLoneSurrogates = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
    .map((units) => String.fromCharCode(...units));
  fc.assert(
    fc.property(fc.oneof(anyString, withLoneSurrogates), (id) => {
      const bytes = Buffer.from(id);
      const valid =
        bytes.toString() === id &&
        bytes.length >= 1 &&
        bytes.length <= 256 &&
        ![...id].some((c) => c <= "\u001f" || (c >= "\u007f" && c <= "\u009f"));
      expect(idProblem(id) === undefined).toBe(valid);
    }),
  );
});
