import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonCodec } from "./json-codec.ts";
import type { MessageFrame } from "./server-frame.ts";

const EPOCH = "9f2c4e6a8b0d1357";

function decodeText(text: string) {
  return jsonCodec.decode(Buffer.from(text), false);
}

function encodeMessage(content: string | Uint8Array, contentType: string): string {
  const message: MessageFrame = {
    type: "message",
    id: `${EPOCH}-1`,
    room: 'a "room"',
    target: "room",
    contentType,
    content: typeof content === "string" ? Buffer.from(content) : content,
    at: 1790000000000,
  };
  return jsonCodec.encode(message).toString();
}

describe("decode", () => {
  test("any JSON object with a type has one outcome", () => {
    const keys = ["id", "room", "position", "away_ms", "ticket", "token"];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(EPOCH, "x"), fc.jsonValue()),
      fc.maxSafeNat(),
    );
    const fields = fc.dictionary(fc.constantFrom(...keys), value);
    const type = fc.constantFrom("join", "leave", "resume", "token", "ping", "dance");
    fc.assert(
      fc.property(type, fields, (name, rest) => {
        const result = decodeText(JSON.stringify({ ...rest, type: name }));
        expect("close" in result).toBe(false);
        if (!result.ok && "error" in result) {
          const { id } = JSON.parse(JSON.stringify(rest));
          const valid = Number.isSafeInteger(id) && id >= 0;
          expect(result.error.id).toBe(valid ? id : undefined);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("an error echoes the id of the refused frame", () => {
    expect(decodeText('{"type":"join","id":9007199254740991,"room":""}')).toEqual({
      ok: false,
      error: { id: 9007199254740991, code: "ROOM_INVALID", message: "room must not be empty" },
    });
    expect(decodeText('{"type":"token","id":4}')).toMatchObject({ error: { id: 4 } });
  });

  test("an id that is none is refused and not echoed", () => {
    const result = decodeText('{"type":"leave","id":9007199254740992,"room":"room-1"}');
    expect(result).toEqual({
      ok: false,
      error: { code: "BAD_REQUEST", message: "id must be an integer 0…2^53−1" },
    });
  });

  test("the first problem in the order of the shape is said", () => {
    const frame = { type: "join", id: 1, room: "\n", position: 7, away_ms: "x" };
    expect(decodeText(JSON.stringify(frame))).toMatchObject({ error: { code: "ROOM_INVALID" } });
    expect(decodeText(JSON.stringify({ ...frame, room: "r" }))).toMatchObject({
      error: { code: "POSITION_INVALID" },
    });
  });

  test("unknown fields are ignored", () => {
    expect(decodeText('{"type":"ping","since":7}')).toEqual({ ok: true, frame: { type: "ping" } });
  });

  test("away_ms without a position is allowed, and checked", () => {
    expect(decodeText('{"type":"join","room":"r","away_ms":5}')).toMatchObject({ ok: true });
    expect(decodeText('{"type":"join","room":"r","away_ms":0.5}')).toMatchObject({
      error: { code: "BAD_REQUEST" },
    });
  });

  test.each([
    ["nothing", ""],
    ["a byte order mark before the object", '\ufeff{"type":"ping"}'],
    ["very deep nesting", "[".repeat(60_000)],
  ])("%s is closed with 4400", (_, text) => {
    expect(decodeText(text)).toMatchObject({ ok: false, close: { code: 4400 } });
  });

  test("bytes that are not UTF-8 are closed with 4400 and not repaired", () => {
    const bytes = Buffer.from('{"type":"leave","room":"?"}');
    bytes[bytes.indexOf("?")] = 0xff;
    expect(jsonCodec.decode(bytes, false)).toMatchObject({ ok: false, close: { code: 4400 } });
  });

  test("a room with half a surrogate pair is refused", () => {
    expect(decodeText('{"type":"join","room":"\\ud83c"}')).toMatchObject({
      error: { code: "ROOM_INVALID" },
    });
  });
});

describe("encode", () => {
  test("JSON content is spliced in byte for byte", () => {
    const content = ' {"big": 12345678901234567890, "twice":1,"twice":2.50}\n';
    expect(encodeMessage(content, "application/vnd.x+json")).toBe(
      `{"type":"message","id":"${EPOCH}-1","room":"a \\"room\\"","target":"room","content_type":"application/vnd.x+json","content":${content},"at":1790000000000}`,
    );
  });

  test("text is a string, also with a byte order mark and line separators", () => {
    const content = '\ufeff"quoted"\n\u2028\u0000 🎈';
    expect(JSON.parse(encodeMessage(content, "text/plain")).content).toBe(content);
    expect(JSON.parse(encodeMessage("", "text/plain")).content).toBe("");
  });

  test("other content is in base64 and says so", () => {
    const frame = JSON.parse(encodeMessage(Uint8Array.of(0xfb, 0xff, 0), "audio/ogg"));
    expect(frame).toMatchObject({ content: "+/8A", encoding: "base64" });
  });

  test("content that is a view into a larger buffer is taken by its own bytes", () => {
    const batch = new Uint8Array(Buffer.from("xx[1]yy"));
    const view = batch.subarray(2, 5);
    expect(JSON.parse(encodeMessage(view, "application/json")).content).toEqual([1]);
    expect(JSON.parse(encodeMessage(view, "text/plain")).content).toBe("[1]");
    expect(JSON.parse(encodeMessage(view, "image/png")).content).toBe("WzFd");
  });
});
