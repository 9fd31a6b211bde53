import { encodePublication, type Publication } from "@pushcast/log";
import { jsonCodec } from "@pushcast/wire";
import { describe, expect, test } from "vitest";
import { FakeSocket } from "../test/fake-socket.ts";
import { EPOCH_A, EPOCH_B } from "../test/stage.ts";
import { Hub } from "./hub.ts";
import { identityWithoutToken } from "./identity.ts";
import { NodeLog, ownPublication } from "./node-log.ts";
import { Session } from "./session.ts";

const UNBOUNDED = { maxBytes: Number.MAX_SAFE_INTEGER, maxAgeMs: Number.MAX_SAFE_INTEGER };

function append(log: NodeLog, epoch: string, seq: number, parts: Partial<Publication> = {}): void {
  const { encoded, publication } = ownPublication(
    encodePublication({
      epoch,
      seq,
      roomId: "r",
      userIds: [],
      excludeUserIds: [],
      content: Buffer.from("x"),
      contentType: "",
      idempotencyKey: "",
      ephemeral: false,
      atMs: 0,
      ...parts,
    }),
  );
  log.append(log.entry(encoded, publication, 0));
  log.epochs.advance(epoch, seq);
}

function logWith(epochs: readonly string[], bounds = UNBOUNDED): NodeLog {
  const log = new NodeLog(bounds, 0, () => {});
  for (const epoch of epochs) log.epochs.attach(epoch, 0);
  return log;
}

describe("positionAt", () => {
  test("is the heads as they were when the log ended there, over thousands of entries", () => {
    const log = logWith([EPOCH_A, EPOCH_B]);
    const heads: { a: number; b: number }[] = [];
    let [a, b] = [0, 0];
    for (let offset = 0; offset < 3_000; offset += 1) {
      heads.push({ a, b });
      if (offset % 3 === 0) append(log, EPOCH_B, ++b);
      else append(log, EPOCH_A, ++a);
    }
    for (const offset of [0, 1, 1_023, 1_024, 1_025, 2_047, 2_048, 2_999]) {
      expect(Object.fromEntries(log.positionAt(offset))).toEqual({
        [EPOCH_A]: heads[offset]?.a,
        [EPOCH_B]: heads[offset]?.b,
      });
    }
    expect(log.positionAt(3_000)).toBe(log.epochs.heads());
  });

  test("is not lowered by eviction of what was before", () => {
    const log = logWith([EPOCH_A], { ...UNBOUNDED, maxBytes: 200_000 });
    for (let seq = 1; seq <= 2_000; seq += 1) append(log, EPOCH_A, seq);
    expect(log.start).toBeGreaterThan(1_024);
    for (const offset of [log.start, log.start + 1, log.end - 1]) {
      expect(log.positionAt(offset).get(EPOCH_A)).toBe(offset);
    }
    // Of what is evicted nothing but the tail is known.
    expect(log.positionAt(5)).toEqual(log.tails());
  });

  test("has no more than 100 epochs, however many there are", () => {
    const name = (index: number) => index.toString(16).padStart(16, "0");
    const epochs = Array.from({ length: 120 }, (_, index) => name(index));
    const log = logWith(epochs);
    for (const epoch of epochs) append(log, epoch, 1);
    expect(log.positionAt(119).size).toBe(100);
  });
});

test("a subscription has more as long as an entry of it is at or above its offset", () => {
  const log = logWith([EPOCH_A], { ...UNBOUNDED, maxBytes: 10_000 });
  const hub = new Hub();
  const session = new Session({
    id: "s",
    identity: identityWithoutToken("u"),
    codec: jsonCodec,
    socket: new FakeSocket(),
    openedAtMs: 0,
    offset: 0,
  });
  hub.add(session);
  const room = hub.join(session, "r", 0);
  expect(log.hasMore(room)).toBe(false);
  append(log, EPOCH_A, 1);
  expect(log.hasMore(room)).toBe(true);
  expect(log.hasMore(session.self)).toBe(false);
  expect(log.writtenPosition(room).get(EPOCH_A)).toBe(0);
  expect(log.writtenPosition(session.self).get(EPOCH_A)).toBe(1);
  // What is evicted is in no list any more.
  for (let seq = 2; seq <= 50; seq += 1) append(log, EPOCH_A, seq, { roomId: "other" });
  expect(log.hasMore(room)).toBe(false);
});

test("an entry costs its bytes, an overhead, and more for each user that it names", () => {
  const log = logWith([EPOCH_A]);
  append(log, EPOCH_A, 1);
  const plain = log.bytes;
  const { encoded } = log.at(0) ?? {};
  expect(plain).toBeGreaterThan((encoded?.byteLength ?? 0) + 500);
  append(log, EPOCH_A, 2, { userIds: ["a", "b"], excludeUserIds: ["c"] });
  expect(log.bytes - plain).toBeGreaterThan(plain + 3 * 100);
});
