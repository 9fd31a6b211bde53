import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyClientFrame, anyServerFrame } from "../test/arbitraries.ts";
import { clientCodec } from "./client-side.ts";
import type { DecodeResult } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";
import { protoCodec } from "./proto-codec.ts";
import { OPCODE, websocketFrame } from "./websocket-frame.ts";

const outcomes = ["frame", "close", "error"] as const;

function expectOneOutcome(result: DecodeResult): void {
  expect(outcomes.filter((outcome) => outcome in result)).toHaveLength(1);
  expect(result.ok).toBe("frame" in result);
}

describe.each([jsonCodec, protoCodec])("$subprotocol", (codec) => {
  const client = clientCodec(codec.subprotocol);

  test("the server reads what the client wrote", () => {
    fc.assert(
      fc.property(anyClientFrame, (frame) => {
        expect(codec.decode(client.encode(frame), client.binary)).toEqual({ ok: true, frame });
      }),
    );
  });

  test("the client reads what the server wrote", () => {
    fc.assert(
      fc.property(anyServerFrame, (frame) => {
        expect(client.decode(codec.encode(frame), codec.binary)).toEqual({ ok: true, frame });
      }),
    );
  });

  test("a framed payload is the payload behind its header", () => {
    const opcode = codec.binary ? OPCODE.binary : OPCODE.text;
    fc.assert(
      fc.property(anyServerFrame, (frame) => {
        const framed = codec.encodeFramed(frame);
        expect(framed.equals(websocketFrame(opcode, codec.encode(frame)))).toBe(true);
      }),
    );
  });

  test("any bytes have one outcome, on both sides", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isBinary) => {
        expectOneOutcome(codec.decode(Buffer.from(bytes), isBinary));
        expect(client.decode(Buffer.from(bytes), isBinary).ok).toBeTypeOf("boolean");
      }),
      { numRuns: 1000 },
    );
  });

  test("a frame with bytes changed has one outcome", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyClientFrame, edits, (frame, changes) => {
        const bytes = client.encode(frame);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        expectOneOutcome(codec.decode(bytes, codec.binary));
      }),
      { numRuns: 1000 },
    );
  });

  test("a frame cut short is closed with 4400", () => {
    const frame = { type: "join", id: 1, room: "room-001" } as const;
    const bytes = client.encode(frame);
    for (let length = 1; length < bytes.length; length += 1) {
      expect(codec.decode(bytes.subarray(0, length), codec.binary)).toMatchObject({
        ok: false,
        close: { code: 4400 },
      });
    }
  });

  test("a client's position may have 128 entries, not 129", () => {
    const decodeJoin = (entries: number) => {
      const epochs = Array.from({ length: entries }, (_, i) => i.toString(16).padStart(16, "0"));
      const position = new Map(epochs.map((epoch) => [epoch, 1]));
      const join = { type: "join", room: "room-1", position, awayMs: 0 } as const;
      return codec.decode(client.encode(join), codec.binary);
    };
    expect(decodeJoin(128)).toMatchObject({ ok: true });
    expect(decodeJoin(129)).toMatchObject({ ok: false, error: { code: "POSITION_INVALID" } });
  });

  test("a frame of the other kind is closed with 4400", () => {
    expect(codec.decode(client.encode({ type: "ping" }), !codec.binary)).toMatchObject({
      ok: false,
      close: { code: 4400, reason: expect.stringContaining(codec.subprotocol) },
    });
  });

  test("a message of a publisher that gave no content type says text/plain", () => {
    const message = {
      type: "message",
      id: "9f2c4e6a8b0d1357-1",
      target: "all",
      contentType: "",
      content: Buffer.from("hello"),
      at: 0,
    } as const;
    expect(client.decode(codec.encode(message), codec.binary)).toEqual({
      ok: true,
      frame: { ...message, contentType: "text/plain" },
    });
  });
});
