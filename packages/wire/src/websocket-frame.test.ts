import fc from "fast-check";
import { expect, test } from "vitest";
import { joinPieces } from "./pieces.ts";
import { OPCODE, PING_FRAME, websocketFrame, websocketFrameOf } from "./websocket-frame.ts";

test("the examples of RFC 6455 §5.7 come out as they stand there", () => {
  expect(websocketFrame(OPCODE.text, Buffer.from("Hello")).toString("hex")).toBe("810548656c6c6f");
  expect(websocketFrame(OPCODE.binary, Buffer.alloc(256)).subarray(0, 4).toString("hex")).toBe(
    "827e0100",
  );
  expect(websocketFrame(OPCODE.binary, Buffer.alloc(65536)).subarray(0, 10).toString("hex")).toBe(
    "827f0000000000010000",
  );
  expect(PING_FRAME.toString("hex")).toBe("8900");
});

test.each([
  [0, 2],
  [125, 2],
  [126, 4],
  [65535, 4],
  [65536, 10],
])("a payload of %i bytes has a header of %i", (payloadBytes, headerBytes) => {
  const frame = websocketFrame(OPCODE.text, Buffer.alloc(payloadBytes, "x"));
  expect(frame.length).toBe(headerBytes + payloadBytes);
  expect(frame.subarray(headerBytes).every((byte) => byte === 0x78)).toBe(true);
});

test("pieces follow each other, strings as UTF-8", () => {
  const piece = fc.oneof(fc.string({ unit: "binary", maxLength: 80 }), fc.uint8Array());
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const whole = Buffer.concat(pieces.map((part) => Buffer.from(part as string)));
      expect(joinPieces(pieces).equals(whole)).toBe(true);
      const framed = websocketFrameOf(OPCODE.text, pieces);
      expect(framed.equals(websocketFrame(OPCODE.text, whole))).toBe(true);
    }),
  );
});
