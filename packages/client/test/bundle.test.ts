import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bundleClient } from "../bundle/bundle.ts";
import { FakeServer } from "../src/testing/index.ts";

/** What the README promises. */
const MAX_GZIPPED_BYTES = 8 * 1024;

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
});
