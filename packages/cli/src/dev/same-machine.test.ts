import { expect, test } from "vitest";
import { refuseForeign } from "./same-machine.ts";

const codeOf = (headers: { host?: string; origin?: string }) =>
  (refuseForeign(headers)?.body as { error: { code: string } } | undefined)?.error.code;

test.each([
  [{ host: "localhost:8080" }],
  [{ host: "LOCALHOST:8080" }],
  [{ host: "127.0.0.1:8080" }],
  [{ host: "[::1]:8080" }],
  [{ host: "localhost" }],
  [{ host: "localhost:8080", origin: "http://localhost:8080" }],
  [{ host: "127.0.0.1:8080", origin: "http://127.0.0.1:8080" }],
])("lets %j in", (headers) => {
  expect(refuseForeign(headers)).toBeUndefined();
});

test.each([
  [{}],
  [{ host: "" }],
  [{ host: "rebound.example:8080" }],
  [{ host: "rebound.example:8080", origin: "http://rebound.example:8080" }],
  [{ host: "localhost.rebound.example:8080" }],
  [{ host: "127.0.0.1.rebound.example" }],
  [{ host: "192.168.1.7:8080" }],
  [{ host: "localhost:8080:80" }],
])("refuses %j by its host", (headers) => {
  expect(codeOf(headers)).toBe("HOST_FORBIDDEN");
});

test.each([
  ["http://elsewhere.example"],
  ["https://localhost:8080"],
  ["http://localhost:3000"],
  ["http://127.0.0.1:8080"],
  ["null"],
  [""],
])("refuses the origin %j", (origin) => {
  expect(codeOf({ host: "localhost:8080", origin })).toBe("ORIGIN_FORBIDDEN");
});
