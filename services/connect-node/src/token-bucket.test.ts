import { expect, test } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

const rate = { ratePerSecond: 10, burst: 3 };

function takes(bucket: TokenBucket, nowMs: number, times: number): number {
  return Array.from({ length: times }, () => bucket.take(nowMs, rate)).filter(Boolean).length;
}

test("a bucket gives its burst at once, then its rate, and never more than the burst", () => {
  const bucket = new TokenBucket(rate.burst, 1_000);
  expect(takes(bucket, 1_000, 5)).toBe(3);
  expect(takes(bucket, 1_099, 5)).toBe(0);
  expect(takes(bucket, 1_200, 5)).toBe(2);
  expect(takes(bucket, 99_000, 5)).toBe(3);
});
