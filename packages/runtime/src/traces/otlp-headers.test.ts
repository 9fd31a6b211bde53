import { expect, test } from "vitest";
import { OTLP_HEADERS, parseHeaders } from "./otlp-headers.ts";

test("headers are name=value pairs, with what is percent-encoded decoded", () => {
  const text = "x-api-key=a%20b=, x-team=push,x-odd=100%";
  expect(text).toMatch(OTLP_HEADERS);
  expect(parseHeaders(text)).toEqual({ "x-api-key": "a b=", "x-team": "push", "x-odd": "100%" });
  expect(parseHeaders("")).toEqual({});
});

test.each(["=value", "name", "a b=c", "name=value,", "name=a b"])(
  "%j is no list of headers",
  (text) => {
    expect(text).not.toMatch(OTLP_HEADERS);
  },
);
