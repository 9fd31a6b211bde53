import { DeliverResponse } from "@pushcast/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeNodeResponse } from "./node-response.ts";

const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const count = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const hello = fc.record({
  nodeId: fc.string({ maxLength: 20, unit: "grapheme" }),
  version: fc.string({ maxLength: 5 }),
  haveSeq: seq.map(BigInt),
  knowsEpoch: fc.boolean(),
});
const response = fc.record({
  hello: fc.option(hello, { nil: undefined }),
  throughSeq: seq,
  outcomes: fc.array(
    fc.record({ seq, sessionsDelivered: count, sessionsLagging: count, duplicate: fc.boolean() }),
  ),
  closing: fc.boolean(),
});

function encoded({ throughSeq, outcomes, ...rest }: ReturnType<typeof decodeNodeResponse>) {
  return DeliverResponse.encode({
    ...rest,
    throughSeq: BigInt(throughSeq),
    outcomes: outcomes.map((outcome) => ({ ...outcome, seq: BigInt(outcome.seq) })),
  }).finish();
}

test("what a node sends is read as it was meant", () => {
  fc.assert(
    fc.property(response, (given) => {
      expect(decodeNodeResponse(encoded(given))).toEqual(given);
    }),
  );
});

test("fields of a later version are skipped, in an outcome too", () => {
  const later = Buffer.from([(14 << 3) | 0, 1, (15 << 3) | 2, 3, 1, 2, 3]);
  const outcome = Buffer.from([(1 << 3) | 0, 7, ...later, (2 << 3) | 0, 1]);
  const bytes = Buffer.from([...later, (3 << 3) | 2, outcome.byteLength, ...outcome, 4 << 3, 1]);
  expect(decodeNodeResponse(bytes)).toEqual({
    hello: undefined,
    throughSeq: 0,
    outcomes: [{ seq: 7, sessionsDelivered: 1, sessionsLagging: 0, duplicate: false }],
    closing: true,
  });
});

test.each<[string, number[]]>([
  ["a number that does not end", [2 << 3, 0x80]],
  ["a number of eleven bytes", [2 << 3, ...Array<number>(11).fill(0x80), 1]],
  ["an outcome longer than the message", [(3 << 3) | 2, 4, 1 << 3, 1]],
  ["an outcome whose last field is longer than it", [(3 << 3) | 2, 2, 1 << 3, 0x80, 1]],
  ["an outcome shorter than its field", [(3 << 3) | 2, 3, (15 << 3) | 2, 9, 1]],
])("%s is no response", (_, bytes) => {
  expect(() => decodeNodeResponse(Buffer.from(bytes))).toThrow();
});

test("any bytes are a response or an error", () => {
  fc.assert(
    fc.property(response, fc.array(fc.tuple(fc.nat(), fc.nat(255))), (given, damages) => {
      const bytes = encoded(given);
      for (const [at, value] of damages) bytes[at % Math.max(1, bytes.byteLength)] = value;
      try {
        const { outcomes } = decodeNodeResponse(bytes);
        expect(outcomes.length).toBeLessThanOrEqual(bytes.byteLength);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
  );
});
