import { expect, test } from "vitest";
import { keyHash } from "./idempotency.ts";

test("the hash of a key is the same in every version, as nodes of several run side by side", () => {
  expect(keyHash("")).toBe("47DEQpj8HBSa-_TI");
  expect(keyHash("order-17")).toBe(keyHash("order-17"));
  expect(keyHash("order-17")).not.toBe(keyHash("order-18"));
  expect(keyHash("order-17")).toMatch(/^[\w-]{16}$/);
});
