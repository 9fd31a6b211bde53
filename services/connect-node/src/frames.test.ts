import { jsonCodec, keyHash, protoCodec } from "@pushcast/wire";
import { describe, expect, test } from "vitest";
import { parseFrames } from "../test/fake-socket.ts";
import { EPOCH_A, Stage } from "../test/stage.ts";
import { FrameCache } from "./frames.ts";
import type { NodeEntry } from "./node-log.ts";

function entries(...pushes: Parameters<Stage["push"]>): NodeEntry[] {
  const stage = new Stage();
  stage.push(...pushes);
  return pushes.map((_, offset) => stage.core.log.at(offset) as NodeEntry);
}

describe("FrameCache", () => {
  test("builds a frame once for each subprotocol", () => {
    const cache = new FrameCache(10_000);
    const [entry] = entries({ text: "1" }) as [NodeEntry];
    const frame = cache.frame(entry, jsonCodec);
    expect(cache.frame(entry, jsonCodec)).toBe(frame);
    expect(cache.frame(entry, protoCodec)).not.toBe(frame);
    const frames = frame.byteLength + cache.frame(entry, protoCodec).byteLength;
    // The entry stays as long as its frames do.
    expect(cache.bytes).toBeGreaterThan(frames + entry.bytes);
  });

  test("drops the oldest beyond its bound, and builds them anew", () => {
    const held = entries(...Array.from({ length: 10 }, (_, index) => ({ text: `${index}` })));
    const cache = new FrameCache(5_000);
    const first = cache.frame(held[0] as NodeEntry, jsonCodec);
    for (const entry of held) {
      cache.frame(entry, jsonCodec);
      expect(cache.bytes).toBeLessThanOrEqual(5_000);
    }
    const again = cache.frame(held[0] as NodeEntry, jsonCodec);
    expect(again).not.toBe(first);
    expect(again.equals(first)).toBe(true);
  });

  test("of no bytes keeps nothing", () => {
    const cache = new FrameCache(0);
    const [entry] = entries({ text: "1" }) as [NodeEntry];
    expect(cache.frame(entry, jsonCodec).byteLength).toBeGreaterThan(0);
    expect(cache.bytes).toBe(0);
  });
});

test("a frame says what its publication is", () => {
  const cache = new FrameCache(0);
  const given = entries(
    { roomId: "r", text: "to a room", atMs: 5 },
    { roomId: "r", userIds: ["u"], contentType: "application/json", text: "[1]" },
    { text: "to all", idempotencyKey: "k" },
  );
  for (const codec of [jsonCodec, protoCodec]) {
    const bytes = Buffer.concat(given.map((entry) => cache.frame(entry, codec)));
    const [room, user, all] = parseFrames(bytes, codec.subprotocol);
    expect(room).toMatchObject({
      type: "message",
      id: `${EPOCH_A}-1`,
      room: "r",
      target: "room",
      contentType: "text/plain",
      at: 5,
    });
    expect(user).toMatchObject({ room: "r", target: "user", contentType: "application/json" });
    expect(all).toMatchObject({ target: "all", key: keyHash("k") });
    expect(all).not.toHaveProperty("room");
    expect(all).not.toHaveProperty("ephemeral");
    expect(room).not.toHaveProperty("key");
  }
});
