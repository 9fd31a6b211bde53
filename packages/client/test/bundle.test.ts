import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bundleClient, INTERNAL_NAMES } from "../bundle/bundle.ts";
import { FakeServer } from "../src/testing/index.ts";

/** What the README promises. */
const MAX_GZIPPED_BYTES = 8 * 1024;
/** Whose properties apps, sockets and servers know. */
const PUBLIC = [
  "api",
  "clock",
  "frame-shapes",
  "message",
  "network",
  "options",
  "warning",
  "web-socket",
];

describe("the single file for browsers", () => {
  it("is small, needs nothing else, and works", async () => {
    const code = await bundleClient();
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(MAX_GZIPPED_BYTES);
    expect(code).not.toMatch(/\b(import|require)\b/);
    const { connect } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    const server = new FakeServer();
    const client = connect({ ...server.options, userId: "ann", onGap: () => {} });
    const texts: unknown[] = [];
    client.room("room").on("message", ({ content }: { content: unknown }) => texts.push(content));
    await server.pushToRoom("room", "hello");
    expect(texts).toEqual(["hello"]);
    client.close();
  });

  it("shortens no name that anybody else knows", () => {
    const sources = PUBLIC.map((name) =>
      readFileSync(new URL(`../src/${name}.ts`, import.meta.url), "utf8"),
    );
    const named = INTERNAL_NAMES.filter((name) => {
      const property = new RegExp(`^ *(readonly |get )?${name}[?(:]`, "m");
      return sources.some((source) => property.test(source));
    });
    expect(named).toEqual([]);
  });
});
