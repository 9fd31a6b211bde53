import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyPosition } from "../test/arbitraries.ts";
import { parsePosition, positionToJson } from "./position.ts";

const EPOCH = "9f2c4e6a8b0d1357";

describe("parsePosition", () => {
  test("an empty object is a position", () => {
    expect(parsePosition({}, 128)).toEqual(new Map());
  });

  test("seqs from 0 to 2^53−1 are valid", () => {
    const position = { [EPOCH]: 0, "00c1d2e3f4a5b697": Number.MAX_SAFE_INTEGER };
    expect(parsePosition(position, 128)).toEqual(new Map(Object.entries(position)));
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["an array", []],
    ["a string", "{}"],
    ["upper-case hex", { "9F2C4E6A8B0D1357": 1 }],
    ["15 digits", { "9f2c4e6a8b0d135": 1 }],
    ["17 digits", { "9f2c4e6a8b0d13570": 1 }],
    ["a line break after the digits", { [`${EPOCH}\n`]: 1 }],
    ["a key named like a property of all objects", JSON.parse('{"__proto__":1}')],
    ["a negative seq", { [EPOCH]: -1 }],
    ["a fraction", { [EPOCH]: 1.5 }],
    ["2^53", { [EPOCH]: 2 ** 53 }],
    ["a seq in a string", { [EPOCH]: "1" }],
    ["a seq of null", { [EPOCH]: null }],
  ])("%s is not a position", (_, value) => {
    expect(parsePosition(value, 128)).toBeUndefined();
  });

  test("as many entries as allowed are valid, one more is not", () => {
    const entries = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [i.toString(16).padStart(16, "0"), i]),
      );
    expect(parsePosition(entries(128), 128)?.size).toBe(128);
    expect(parsePosition(entries(129), 128)).toBeUndefined();
  });

  test("what was written is read again", () => {
    fc.assert(
      fc.property(anyPosition, (position) => {
        expect(parsePosition(positionToJson(position), 128)).toEqual(position);
      }),
    );
  });
});
