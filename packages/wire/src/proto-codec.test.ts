import { ClientFrame, ServerFrame } from "@pushcast/api/client";
import { describe, expect, test } from "vitest";
import { protoCodec } from "./proto-codec.ts";

const EPOCH = "9f2c4e6a8b0d1357";

function decodeHex(hex: string) {
  return protoCodec.decode(Buffer.from(hex.replaceAll(" ", ""), "hex"), true);
}

function decodeFrame(frame: ClientFrame["frame"]) {
  return protoCodec.decode(Buffer.from(ClientFrame.encode({ frame }).finish()), true);
}

describe("decode", () => {
  test("a join has the bytes that any protobuf library writes", () => {
    expect(decodeHex("0a 0a 08 01 12 06 72 6f 6f 6d 2d 31")).toEqual({
      ok: true,
      frame: { type: "join", id: 1, room: "room-1" },
    });
  });

  test.each([
    ["a tag of field 0", "00"],
    ["a tag without its value", "0a"],
    ["a field past the end of its message", "0a 01 12 02 61 62"],
    ["a room that is not UTF-8", "12 04 12 02 61 ff"],
    ["an epoch that is not UTF-8", "1a 07 12 05 0a 03 0a 01 ff"],
    ["an integer that does not end", `12 0c 08 ${"ff ".repeat(10)}`],
    ["a group", "0b 0c"],
    ["a 32-bit field cut short", "3d 00 00"],
    ["text", Buffer.from('{"type":"ping"}').toString("hex")],
  ])("%s is closed with 4400", (_, hex) => {
    expect(decodeHex(hex)).toEqual({
      ok: false,
      close: { code: 4400, reason: "not a ClientFrame" },
    });
  });

  test.each([
    ["no bytes", ""],
    ["a member of a later version", "32 02 08 01"],
  ])("%s are a frame of unknown type", (_, hex) => {
    expect(decodeHex(hex)).toMatchObject({ ok: false, error: { code: "UNKNOWN_TYPE" } });
  });

  test("fields of a later version are ignored", () => {
    expect(decodeHex("12 0c 12 01 72 78 05 82 01 04 ff ff ff ff")).toEqual({
      ok: true,
      frame: { type: "leave", room: "r" },
    });
  });

  test("an absent room is an empty one", () => {
    expect(decodeFrame({ $case: "leave", value: { id: 3n, room: "" } })).toMatchObject({
      error: { id: 3, code: "ROOM_INVALID" },
    });
  });

  test("integers of 2^53 and more are refused", () => {
    const beyond = 2n ** 53n;
    const join = { room: "r", position: { seqs: {} }, awayMs: 0n };
    expect(decodeFrame({ $case: "join", value: { ...join, id: beyond } })).toEqual({
      ok: false,
      error: { code: "BAD_REQUEST", message: expect.stringContaining("id") },
    });
    expect(decodeFrame({ $case: "join", value: { ...join, awayMs: beyond } })).toMatchObject({
      error: { code: "BAD_REQUEST" },
    });
    const position = { seqs: { [EPOCH]: beyond } };
    expect(decodeFrame({ $case: "join", value: { ...join, position } })).toMatchObject({
      error: { code: "POSITION_INVALID" },
    });
  });

  test("a position needs away_ms beside it, and resume a position", () => {
    const position = { seqs: {} };
    const missing = { ok: false, error: { code: "BAD_REQUEST" } };
    expect(decodeFrame({ $case: "join", value: { room: "r", position } })).toMatchObject(missing);
    expect(decodeFrame({ $case: "resume", value: { position } })).toMatchObject(missing);
    expect(
      decodeFrame({ $case: "resume", value: { position: undefined, awayMs: 1n } }),
    ).toMatchObject(missing);
  });
});

describe("encode", () => {
  test.each([0, 1, 127, 128, 16_384, 300_000])(
    "the generated decoder reads a message with %i bytes of content",
    (contentBytes) => {
      const content = Buffer.alloc(contentBytes, "x");
      const encoded = protoCodec.encode({
        type: "message",
        id: `${EPOCH}-7`,
        room: "room-1",
        target: "user",
        contentType: "audio/ogg",
        content,
        at: 1790000000000,
        key: "n4bQgYhMfWWaL-qg",
        ephemeral: true,
      });
      const { frame } = ServerFrame.decode(encoded);
      if (frame?.$case !== "message") expect.fail("is no message");
      const { content: decoded, ...fields } = frame.value;
      expect(decoded.equals(content)).toBe(true);
      expect(fields).toEqual({
        id: `${EPOCH}-7`,
        room: "room-1",
        target: "user",
        contentType: "audio/ogg",
        at: 1790000000000n,
        key: "n4bQgYhMfWWaL-qg",
        ephemeral: true,
      });
    },
  );
});
