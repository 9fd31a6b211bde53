import fc from "fast-check";
import { expect, test } from "vitest";
import { GrpcFrameError, GrpcFrameReader, grpcFrame } from "./grpc-frames.ts";

const MAX_BYTES = 100;

test("messages are read as they were written, however the stream is cut into chunks", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: MAX_BYTES }), { maxLength: 8 });
  const cuts = fc.array(fc.nat(8 * (MAX_BYTES + 5)));
  fc.assert(
    fc.property(messages, cuts, (written, cutsAt) => {
      const stream = Buffer.concat(written.map((message) => grpcFrame([message])));
      const ends = [...cutsAt.filter((at) => at < stream.byteLength), stream.byteLength];
      ends.sort((a, b) => a - b);
      const reader = new GrpcFrameReader(MAX_BYTES);
      const read = ends.flatMap((end, index) =>
        reader.read(stream.subarray(ends[index - 1] ?? 0, end)),
      );
      expect(read.map((message) => [...message])).toEqual(written.map((message) => [...message]));
    }),
  );
});

test("the parts of a message are one message", () => {
  const frame = grpcFrame([Buffer.from("ab"), Buffer.alloc(0), Buffer.from("c")]);
  expect(new GrpcFrameReader(MAX_BYTES).read(frame).map(String)).toEqual(["abc"]);
});

test("a message over the limit is refused by its head, before it has come", () => {
  const reader = new GrpcFrameReader(MAX_BYTES);
  const head = grpcFrame([Buffer.alloc(MAX_BYTES + 1)]).subarray(0, 5);
  expect(() => reader.read(head)).toThrow(GrpcFrameError);
});

test("a compressed message is refused", () => {
  const frame = grpcFrame([Buffer.from("x")]);
  frame[0] = 1;
  expect(() => new GrpcFrameReader(MAX_BYTES).read(frame)).toThrow(GrpcFrameError);
});
