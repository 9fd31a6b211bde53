import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { EpochState, ReplicateResponse } from "@pushcast/api";
import { describe, expect, test } from "vitest";
import { EPOCH_A, EPOCH_B } from "../test/stage.ts";
import {
  decodeReplicateMessage,
  encodeReplicateMessage,
  type PeerEpoch,
  ReplicateError,
  type ReplicateMessage,
} from "./replicate-message.ts";

const STATE: PeerEpoch = {
  epoch: EPOCH_A,
  tailSeq: 3,
  headSeq: 20,
  holes: [
    { after: 5, through: 7 },
    { after: 7, through: 9 },
  ],
  live: false,
  goneMs: 1500,
};

const MESSAGE: ReplicateMessage = {
  epochs: [STATE, { ...STATE, epoch: EPOCH_B, holes: [], live: true, goneMs: 0 }],
  publications: [Buffer.from("not looked at"), Buffer.from("here")],
  done: true,
  logAgeMs: 90_000,
};

function decoded(changes: Partial<PeerEpoch>): () => ReplicateMessage {
  const bytes = encodeReplicateMessage({ ...MESSAGE, epochs: [{ ...STATE, ...changes }] });
  return () => decodeReplicateMessage(bytes);
}

test("a message comes out as it went in", () => {
  expect(decodeReplicateMessage(encodeReplicateMessage(MESSAGE))).toEqual(MESSAGE);
  const empty = { epochs: [], publications: [], done: false, logAgeMs: 0 };
  expect(decodeReplicateMessage(encodeReplicateMessage(empty))).toEqual(empty);
});

test("times are whole milliseconds on the wire", () => {
  const epochs = [{ ...STATE, goneMs: 1500.4 }];
  const message = decodeReplicateMessage(
    encodeReplicateMessage({ ...MESSAGE, epochs, logAgeMs: 0.6 }),
  );
  expect(message).toMatchObject({ epochs: [{ goneMs: 1500 }], logAgeMs: 1 });
});

test("the bytes are those of the generated message", () => {
  const response = ReplicateResponse.fromPartial({
    epochs: [{ epoch: EPOCH_A, tailSeq: 3n, headSeq: 20n, live: true }],
    publications: [{ epoch: EPOCH_A, seq: 4n, content: Buffer.from("x") }],
    logAgeMs: 7n,
  });
  const message = decodeReplicateMessage(ReplicateResponse.encode(response).finish());
  expect(ReplicateResponse.decode(encodeReplicateMessage(message))).toEqual(response);
});

test("fields of a later version are skipped, of the message and of a state", () => {
  const laterField = new BinaryWriter().tag(15, WireType.LengthDelimited).string("later").finish();
  const state = EpochState.encode(EpochState.fromPartial({ epoch: EPOCH_A })).finish();
  const bytes = new BinaryWriter()
    .raw(laterField)
    .tag(1, WireType.LengthDelimited)
    .bytes(Buffer.concat([state, laterField]))
    .finish();
  expect(decodeReplicateMessage(bytes).epochs).toMatchObject([{ epoch: EPOCH_A, headSeq: 0 }]);
});

describe("what the protocol does not allow is refused by name", () => {
  test.each<[string, Partial<PeerEpoch>, string]>([
    ["an epoch that is none", { epoch: "a" }, "not an epoch"],
    ["a tail above the head", { tailSeq: 21, holes: [] }, "a tail beyond its head"],
    ["a head that no number holds", { headSeq: 2 ** 53 }, "a tail beyond its head"],
    ["a hole below the tail", { tailSeq: 6 }, "holes that are not ascending"],
    ["an empty hole", { holes: [{ after: 5, through: 5 }] }, "holes that are not ascending"],
    [
      "holes that overlap",
      {
        holes: [
          { after: 5, through: 9 },
          { after: 8, through: 10 },
        ],
      },
      "holes that are not ascending",
    ],
    ["a hole above the head", { holes: [{ after: 5, through: 21 }] }, "a hole beyond its head"],
  ])("%s", (_, changes, problem) => {
    expect(decoded(changes)).toThrow(ReplicateError);
    expect(decoded(changes)).toThrow(problem);
  });

  test.each([
    ["bytes of something else", Buffer.from("HTTP/1.1 400 Bad Request")],
    ["a message that is cut off", encodeReplicateMessage(MESSAGE).subarray(0, 30)],
  ])("%s", (_, bytes) => {
    expect(() => decodeReplicateMessage(bytes)).toThrow(
      new ReplicateError("bytes that are no ReplicateResponse"),
    );
  });
});
