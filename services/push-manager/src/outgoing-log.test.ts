import { DeliverRequest } from "@pushcast/api";
import { expect, test } from "vitest";
import { BATCH_BYTES, emptyRequest, type NewPublication, OutgoingLog } from "./outgoing-log.ts";

const EPOCH = "00000000000000aa";
const ROOMY = { maxBytes: 64 * 1024 * 1024, maxAgeMs: 1000 };

function publication(changes: Partial<NewPublication> = {}): NewPublication {
  return {
    roomId: "r",
    userIds: [],
    excludeUserIds: [],
    content: Buffer.from("x"),
    contentType: "",
    idempotencyKey: "",
    ephemeral: false,
    atMs: 1,
    ...changes,
  };
}

function decoded(log: OutgoingLog, cursorSeq: number) {
  const batch = log.batchAfter(cursorSeq);
  if (batch === undefined) return undefined;
  const request = DeliverRequest.decode(batch.message);
  expect(Number(request.afterSeq)).toBe(batch.afterSeq);
  expect(Number(request.throughSeq)).toBe(batch.throughSeq);
  const seqs = request.publications.map(({ seq }) => Number(seq));
  return { after: batch.afterSeq, through: batch.throughSeq, seqs };
}

test("everything of a turn is one batch, shared by all cursors at the same place", () => {
  const log = new OutgoingLog(EPOCH, ROOMY);
  for (let count = 0; count < 3; count += 1) log.append(publication(), 0);
  expect(decoded(log, 0)).toEqual({ after: 0, through: 3, seqs: [1, 2, 3] });
  expect(log.batchAfter(0)).toBe(log.batchAfter(0));
  expect(decoded(log, 2)).toEqual({ after: 2, through: 3, seqs: [3] });
  expect(log.batchAfter(3)).toBeUndefined();
});

test("a batch holds the publication with all its fields", () => {
  const log = new OutgoingLog(EPOCH, ROOMY);
  log.append(publication({ userIds: ["u"], idempotencyKey: "k", excludeUserIds: ["e"] }), 0);
  const [sent] = DeliverRequest.decode(log.batchAfter(0)?.message as Buffer).publications;
  expect(sent).toMatchObject({
    epoch: EPOCH,
    seq: 1n,
    roomId: "r",
    userIds: ["u"],
    excludeUserIds: ["e"],
    idempotencyKey: "k",
    atMs: 1n,
  });
});

test("an ephemeral publication goes to cursors that are not behind, and is gone after its turn", () => {
  const log = new OutgoingLog(EPOCH, ROOMY);
  log.append(publication(), 0);
  log.endTurn();
  log.append(publication({ ephemeral: true }), 0);
  log.append(publication(), 0);
  expect(decoded(log, 1)).toEqual({ after: 1, through: 3, seqs: [2, 3] });
  expect(decoded(log, 0)).toEqual({ after: 0, through: 3, seqs: [1, 3] });
  log.endTurn();
  expect(decoded(log, 1)).toEqual({ after: 1, through: 3, seqs: [3] });
});

test("a cursor behind trailing ephemeral publications is brought to the head by an empty batch", () => {
  const log = new OutgoingLog(EPOCH, ROOMY);
  log.append(publication({ ephemeral: true }), 0);
  log.endTurn();
  expect(decoded(log, 0)).toEqual({ after: 0, through: 1, seqs: [] });
});

test("a batch is cut at a mebibyte, but holds at least one publication", () => {
  const log = new OutgoingLog(EPOCH, ROOMY);
  for (const size of [0.6, 0.6, 2, 0.1]) {
    log.append(publication({ content: Buffer.alloc(size * BATCH_BYTES) }), 0);
  }
  const read = () => [0, 1, 2, 3].map((cursor) => decoded(log, cursor)?.seqs);
  const cut = [[1], [2], [3], [4]];
  expect(read()).toEqual(cut);
  log.endTurn();
  expect(read()).toEqual(cut);
});

test("a cursor below the tail goes on from the tail", () => {
  const log = new OutgoingLog(EPOCH, ROOMY);
  log.append(publication(), 0);
  log.append(publication(), 900);
  log.endTurn();
  log.evictExpired(1500);
  expect(log.tailSeq).toBe(1);
  expect(decoded(log, 0)).toEqual({ after: 1, through: 2, seqs: [2] });
  log.evictExpired(3000);
  expect(decoded(log, 0)).toEqual({ after: 2, through: 2, seqs: [] });
  expect(log.bytes).toBe(0);
});

test("the bytes in the log are bounded, and a turn that outgrows it still reaches who is not behind", () => {
  const log = new OutgoingLog(EPOCH, { maxBytes: 3000, maxAgeMs: 1000 });
  for (let count = 0; count < 10; count += 1) {
    log.append(publication({ content: Buffer.alloc(1000) }), 0);
  }
  expect(log.bytes).toBeLessThanOrEqual(3000);
  expect(decoded(log, 0)?.seqs).toHaveLength(10);
  log.endTurn();
  expect(decoded(log, 0)).toEqual({ after: 8, through: 10, seqs: [9, 10] });
});

test("the lag limit is the seq below which more than so many bytes lie ahead", () => {
  const log = new OutgoingLog(EPOCH, ROOMY);
  expect(log.lagLimitSeq(0)).toBe(0);
  for (let count = 0; count < 4; count += 1) log.append(publication(), 0);
  log.endTurn();
  const each = log.bytes / 4;
  // A cursor at 0 has four entries ahead, one at 1 three, and so on.
  expect(log.lagLimitSeq(4 * each)).toBe(0);
  expect(log.lagLimitSeq(3 * each)).toBe(1);
  expect(log.lagLimitSeq(each)).toBe(3);
});

test("a heartbeat is a message without publications that moves nothing", () => {
  expect(DeliverRequest.decode(emptyRequest(7))).toMatchObject({
    hello: undefined,
    afterSeq: 7n,
    throughSeq: 7n,
    publications: [],
    final: false,
  });
  expect(emptyRequest(0).byteLength).toBe(0);
});
