import { jsonCodec, protoCodec } from "@pushcast/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyClientFrame, anyServerFrame } from "../../wire/test/arbitraries.ts";
import { decode, encode } from "../src/codec.ts";
import type { ClientFrame } from "../src/frames.ts";

/** What it gives, or that it throws. */
function outcome(data: unknown): unknown {
  try {
    return decode(data);
  } catch {
    return "malformed";
  }
}

const toArrayBuffer = (bytes: Uint8Array) => Uint8Array.from(bytes).buffer;

describe("the codecs", () => {
  it("give the same for a server's frame in either subprotocol", () => {
    let read = 0;
    fc.assert(
      fc.property(anyServerFrame, (frame) => {
        const fromJson = outcome(jsonCodec.encode(frame).toString());
        expect(outcome(toArrayBuffer(protoCodec.encode(frame)))).toEqual(fromJson);
        if (fromJson !== "malformed") read += 1;
      }),
      { numRuns: 1_000 },
    );
    expect(read).toBeGreaterThan(800);
  });

  it("write what the server reads alike in either subprotocol", () => {
    fc.assert(
      fc.property(anyClientFrame, (given) => {
        const position = "position" in given ? given.position : undefined;
        const frame = {
          ...given,
          ...(position === undefined ? {} : { position: Object.fromEntries(position) }),
        } as unknown as ClientFrame;
        const text = Buffer.from(String(encode(frame, "pushcast.v1.json")));
        const bytes = Buffer.from(encode(frame, "pushcast.v1.proto") as Uint8Array);
        const fromProto = protoCodec.decode(bytes, true);
        expect(fromProto).toEqual(jsonCodec.decode(text, false));
        expect(fromProto).toMatchObject({ ok: true, frame: given });
      }),
      { numRuns: 1_000 },
    );
  });

  it("take bytes for malformed, or ignore them, and never hang", () => {
    const bytes = protoCodec.encode({
      type: "message",
      id: "aaaaaaaaaaaaaaaa-1",
      target: "all",
      contentType: "text/plain",
      content: Buffer.from("good evening"),
      at: 1,
    });
    for (let length = 1; length < bytes.length; length += 1) {
      expect(outcome(toArrayBuffer(bytes.subarray(0, length))), `${length} bytes`).toBe(
        "malformed",
      );
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (anything) => {
        const decoded = outcome(toArrayBuffer(anything));
        expect(["undefined", "string", "object"]).toContain(typeof decoded);
      }),
    );
  });

  it("skip fields and frames of later versions", () => {
    const pong = protoCodec.encode({ type: "pong" });
    // Of field 99: an integer, 8 bytes, 2 bytes with their length, and 4 bytes.
    const later = Buffer.from([
      ...[0x98, 0x06, 0x01],
      ...[0x99, 0x06, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[0x9a, 0x06, 0x02, 0, 0],
      ...[0x9d, 0x06, 0, 0, 0, 0],
    ]);
    expect(decode(toArrayBuffer(Buffer.concat([pong, later])))).toEqual({ type: "pong" });
    expect(decode(toArrayBuffer(later))).toBeUndefined();
    expect(decode('{"type":"dance"}')).toBeUndefined();
  });
});
