import fc from "fast-check";
import { expect, test } from "vitest";
import { FakeManager, requestBytes } from "../test/fake-manager.ts";
import { EPOCH_A } from "../test/stage.ts";
import { DeliverError, decodeDeliverMessage } from "./deliver-message.ts";

test("publications stay encoded, byte by byte as they came", () => {
  const manager = new FakeManager(EPOCH_A);
  const { afterSeq, throughSeq, publications, final } = manager.message(
    { text: "1" },
    { roomId: "r", text: "2" },
  );
  expect({ afterSeq, throughSeq, final }).toEqual({ afterSeq: 0, throughSeq: 2, final: false });
  const again = new FakeManager(EPOCH_A);
  const encoded = [again.encode({ text: "1" }), again.encode({ roomId: "r", text: "2" })];
  expect(publications.map((bytes) => Buffer.from(bytes))).toEqual(encoded.map(Buffer.from));
});

test("a hello and a final are read, and fields of a later version are skipped", () => {
  const hello = decodeDeliverMessage(new FakeManager(EPOCH_A, 7).helloBytes(3)).hello;
  expect(hello).toMatchObject({ epoch: EPOCH_A, tailSeq: 3n, headSeq: 7n });
  const later = Buffer.concat([Buffer.from([(15 << 3) | 0, 1]), requestBytes({ final: true })]);
  expect(decodeDeliverMessage(later)).toMatchObject({ hello: undefined, final: true });
});

test("any bytes are a message or a DeliverError", () => {
  const manager = new FakeManager(EPOCH_A);
  const valid = Buffer.concat([manager.helloBytes(), manager.bytes({ text: "1" }, { text: "2" })]);
  const damaged = fc.array(fc.tuple(fc.nat(valid.byteLength - 1), fc.nat(255))).map((changes) => {
    const bytes = Buffer.from(valid);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 80 })), (bytes) => {
      try {
        const { afterSeq, throughSeq } = decodeDeliverMessage(bytes);
        expect(afterSeq).toBeLessThanOrEqual(throughSeq);
        expect(Number.isSafeInteger(throughSeq)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(DeliverError);
      }
    }),
    { numRuns: 1000 },
  );
});

test("seqs go up to 2^53 - 1", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const bytes = requestBytes({ afterSeq: most - 1, throughSeq: most });
  expect(decodeDeliverMessage(bytes)).toMatchObject({ afterSeq: most - 1, throughSeq: most });
  expect(() => decodeDeliverMessage(requestBytes({ throughSeq: most + 1 }))).toThrow(DeliverError);
});
