import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Publication as PublicationCodec } from "@pushcast/api";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { command, publication } from "../test/publications.ts";
import {
  decodePublication,
  encodePublication,
  encodePublicationField,
  messageField,
  type Publication,
  publicationId,
  targetKind,
} from "./publication.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const anyCommand: fc.Arbitrary<Publication["command"]> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    kind: fc.oneof(
      fc.record({
        $case: fc.constantFrom("join" as const, "leave" as const),
        value: fc.record({ userId: text, roomId: text }),
      }),
      fc.record({
        $case: fc.constant("disconnect" as const),
        value: fc.record({
          userId: text,
          code: fc.nat(4999),
          reason: text,
          revokeIssuedBeforeMs: fc.maxSafeNat().map(BigInt),
        }),
      }),
    ),
  }),
);
const anyPublication: fc.Arbitrary<Publication> = fc
  .record({
    epoch: text,
    seq: fc.maxSafeNat(),
    roomId: text,
    userIds: fc.array(text, { maxLength: 3 }),
    excludeUserIds: fc.array(text, { maxLength: 3 }),
    content: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    contentType: text,
    idempotencyKey: text,
    ephemeral: fc.boolean(),
    atMs: fc.maxSafeInteger(),
    command: anyCommand,
  })
  .map(({ command, ...rest }) => (command === undefined ? rest : { ...rest, command }));

/** The same by the generated codec, in the shape of this one. */
function generatedDecode(bytes: Uint8Array): Publication {
  const { command, ...message } = PublicationCodec.decode(bytes);
  return {
    ...message,
    seq: Number(message.seq),
    atMs: Number(message.atMs),
    content: Buffer.from(message.content),
    ...(command === undefined ? {} : { command }),
  };
}

describe("encodePublication and decodePublication", () => {
  test("are inverse, and the generated codec reads the same", () => {
    fc.assert(
      fc.property(anyPublication, (given) => {
        const bytes = Buffer.from(encodePublication(given));
        expect(decodePublication(bytes)).toEqual(given);
        expect(generatedDecode(bytes)).toEqual(given);
      }),
    );
  });

  test("hand out content that is a slice of the bytes, not a copy", () => {
    const bytes = Buffer.from(encodePublication(publication({ content: Buffer.from("slice") })));
    const { content } = decodePublication(bytes);
    expect(content.buffer).toBe(bytes.buffer);
    bytes[bytes.indexOf("slice")] = "S".charCodeAt(0);
    expect(content.toString()).toBe("Slice");
  });

  test("skip fields that they do not know, and known ones of another wire type", () => {
    const writer = new BinaryWriter();
    writer.tag(99, WireType.LengthDelimited).string("from a later version");
    writer.tag(98, WireType.Bit64).fixed64(1n);
    writer.tag(97, WireType.Bit32).fixed32(1);
    writer.tag(96, WireType.Varint).uint64(1n);
    writer.tag(95, WireType.StartGroup).tag(1, WireType.Varint).uint32(1);
    writer.tag(95, WireType.EndGroup);
    writer.tag(3, WireType.Varint).uint32(5);
    writer.tag(2, WireType.LengthDelimited).string("no seq");
    const unknown = writer.finish();
    const given = publication({ roomId: "r", seq: 3 });
    const bytes = Buffer.concat([unknown, encodePublication(given), unknown]);
    expect(decodePublication(bytes)).toEqual(given);
  });

  test("take a command of a kind that they do not know for a command, of no kind", () => {
    const command = messageField(11, messageField(9, Buffer.from("from a later version")));
    const bytes = Buffer.concat([encodePublication(publication()), command]);
    expect(decodePublication(bytes).command).toEqual({ kind: undefined });
  });

  test("take the last of a field that is there twice", () => {
    const bytes = Buffer.concat([
      encodePublication(publication({ roomId: "first" })),
      encodePublication(publication({ roomId: "last" })),
    ]);
    expect(decodePublication(bytes).roomId).toBe("last");
  });

  test("throw on a publication that is cut off", () => {
    const bytes = Buffer.from(encodePublication(publication({ roomId: "r", seq: 300 })));
    // A cut between two fields leaves a publication with fewer fields.
    const fieldEnds = new Set<number>();
    for (let end = 0; end <= bytes.byteLength; end += 1) {
      try {
        PublicationCodec.decode(bytes.subarray(0, end));
        fieldEnds.add(end);
      } catch {
        expect(() => decodePublication(bytes.subarray(0, end))).toThrow();
      }
    }
    expect(fieldEnds.size).toBeLessThan(8);
  });

  test("decode any bytes to what the generated codec makes of them, or throw, and never hang", () => {
    // Without a command: the generated codec goes on reading in the middle of a damaged one.
    const valid = anyPublication.map(({ command: _, ...given }) =>
      Buffer.from(encodePublication(given)),
    );
    const damaged = fc
      .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([bytes, changes]) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of changes) changed[at % changed.byteLength] = value;
        return changed;
      });
    const random = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    const decodes = <T>(decode: () => T): T | undefined => {
      try {
        return decode();
      } catch {
        return undefined;
      }
    };
    let compared = 0;
    fc.assert(
      fc.property(fc.oneof(damaged, random), (bytes) => {
        const decoded = decodes(() => decodePublication(bytes));
        const expected = decodes(() => generatedDecode(bytes));
        if (decoded === undefined || expected === undefined) return;
        compared += 1;
        expect(decoded).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(200);
  });
});

test("the target kind is user wherever users are listed, also with a room", () => {
  expect(targetKind(publication())).toBe("all");
  expect(targetKind(publication({ roomId: "r" }))).toBe("room");
  expect(targetKind(publication({ userIds: ["u"] }))).toBe("user");
  expect(targetKind(publication({ roomId: "r", userIds: ["u"] }))).toBe("user");
});

test("a publication's id is its epoch and its seq", () => {
  expect(publicationId({ epoch: "00000000000000aa", seq: 12 })).toBe("00000000000000aa-12");
});

test("message fields, put one behind another, are the repeated field of a message", () => {
  const bodies = [
    publication({ seq: 1 }),
    publication({ seq: 2, content: Buffer.alloc(70_000, "x"), contentType: "text/plain" }),
    command({
      $case: "disconnect",
      value: { userId: "u", code: 4410, reason: "", revokeIssuedBeforeMs: 7n },
    }),
  ].map(encodePublication);
  const message = Buffer.concat(bodies.map((body) => messageField(4, body)));
  const writer = new BinaryWriter();
  for (const body of bodies) writer.tag(4, WireType.LengthDelimited).bytes(body);
  expect(message.equals(writer.finish())).toBe(true);
});

test("a publication encoded as a field is its message as that field, in memory of its own", () => {
  fc.assert(
    fc.property(anyPublication, (given) => {
      const field = encodePublicationField(4, given);
      expect(field).toEqual(messageField(4, encodePublication(given)));
      expect(field.buffer.byteLength).toBe(field.byteLength);
    }),
  );
});

test("a publication that cannot be encoded leaves nothing behind for the next", () => {
  const whole = encodePublication(publication());
  expect(() => encodePublicationField(4, publication({ atMs: 2 ** 64 }))).toThrow();
  expect(encodePublication(publication())).toEqual(whole);
});

test("a message field owns its memory, so that it keeps no pool alive", () => {
  const field = messageField(4, Buffer.from("few bytes"));
  expect(field.buffer.byteLength).toBe(field.byteLength);
});
