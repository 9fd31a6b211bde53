import { expect, test } from "vitest";
import { bytesOf, mebibytes } from "./quantities.ts";

test.each([
  ["1", 1],
  ["1.5Gi", 1.5 * 1024 ** 3],
  ["512Mi", 512 * 1024 ** 2],
  ["2Ti", 2 * 1024 ** 4],
  ["10k", 10_000],
  ["3G", 3e9],
])("%s is %d bytes", (text, bytes) => {
  expect(bytesOf(text)).toBe(bytes);
});

test.each(["", "Mi", "1 Mi", "1mi", "-1Mi", "1KiB", "1e3"])(
  "%j is no quantity of bytes",
  (text) => {
    expect(bytesOf(text)).toBeUndefined();
  },
);

test("bytes are rounded up to MiB", () => {
  expect(mebibytes(1)).toBe("1Mi");
  expect(mebibytes(1024 ** 2)).toBe("1Mi");
  expect(mebibytes(1024 ** 2 + 1)).toBe("2Mi");
});
