import { describe, expect, test } from "vitest";
import {
  contentKind,
  contentProblem,
  contentTypeProblem,
  frameContentType,
  mediaType,
} from "./content.ts";

describe("mediaType", () => {
  test.each([
    ["", "text/plain"],
    [";charset=utf-8", "text/plain"],
    ["Text/HTML ; charset=UTF-8", "text/html"],
    ["application/json", "application/json"],
  ])("of %j is %j", (contentType, type) => {
    expect(mediaType(contentType)).toBe(type);
  });
});

describe("contentKind", () => {
  test.each([
    ["", "text"],
    ["text/markdown", "text"],
    ["TEXT/plain;charset=utf-8", "text"],
    ["application/json", "json"],
    ["Application/JSON; charset=utf-8", "json"],
    ["application/geo+json", "json"],
    ["application/octet-stream", "binary"],
    ["application/jsonl", "binary"],
    ["audio/ogg;codecs=opus+json", "binary"],
    ["nonsense", "binary"],
  ])("of %j is %s", (contentType, kind) => {
    expect(contentKind(contentType)).toBe(kind);
  });
});

test("a frame says the content type as it was given, and text/plain for none", () => {
  expect(frameContentType("Application/JSON; x=Y")).toBe("Application/JSON; x=Y");
  expect(frameContentType("")).toBe("text/plain");
});

describe("contentTypeProblem", () => {
  test("a content type may have 127 bytes, not 128", () => {
    expect(contentTypeProblem("x".repeat(127))).toBeUndefined();
    expect(contentTypeProblem("x".repeat(128))).toMatch(/127 bytes/);
  });

  test.each(["text/plain\r\nx", "text/pläin", "text/\u0000"])("%j is refused", (contentType) => {
    expect(contentTypeProblem(contentType)).toMatch(/ASCII/);
  });
});

describe("contentProblem", () => {
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));
  const notUtf8 = Uint8Array.of(0x61, 0xff);

  test.each(["", "text/plain", "application/octet-stream"])(
    "empty content is legal as %j",
    (contentType) => {
      expect(contentProblem(new Uint8Array(0), contentType)).toBeUndefined();
    },
  );

  test("empty content is not JSON", () => {
    expect(contentProblem(new Uint8Array(0), "application/json")).toMatch(/not JSON/);
  });

  test("text must be UTF-8, binary need not be", () => {
    expect(contentProblem(notUtf8, "")).toMatch(/not UTF-8/);
    expect(contentProblem(notUtf8, "text/html")).toMatch(/text\/html but not UTF-8/);
    expect(contentProblem(notUtf8, "audio/ogg")).toBeUndefined();
  });

  test.each(["null", ' {"a": [1, "é"]}\n', '"\\ud800"'])("%j is JSON", (json) => {
    expect(contentProblem(bytes(json), "application/json")).toBeUndefined();
  });

  test.each(["{", "{'a':1}", "NaN", "\ufeff{}", "{}{}"])("%j is not JSON", (json) => {
    expect(contentProblem(bytes(json), "application/vnd.x+json")).toMatch(/not JSON/);
  });

  test("JSON must be UTF-8", () => {
    expect(contentProblem(Uint8Array.of(0x22, 0xff, 0x22), "application/json")).toMatch(/UTF-8/);
  });

  test("a view into a larger buffer is judged by its own bytes", () => {
    expect(contentProblem(bytes('xx{"a":1}yy').subarray(2, 9), "application/json")).toBeUndefined();
  });
});
