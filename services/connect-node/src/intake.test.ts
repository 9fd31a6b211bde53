import { describe, expect, test } from "vitest";
import { FakeManager, requestBytes } from "../test/fake-manager.ts";
import { EPOCH_A, EPOCH_B, Stage } from "../test/stage.ts";
import { decodeDeliverMessage } from "./deliver-message.ts";

function stageWithB() {
  const stage = new Stage();
  const b = new FakeManager(EPOCH_B);
  stage.core.intake.attach(EPOCH_B, 0);
  return { stage, b };
}

describe("a publication that would break a frame or a close", () => {
  test.each([
    ["a time that no number holds", { atMs: Number.MAX_SAFE_INTEGER + 1 }],
    ["a time before 1970", { atMs: -1 }],
    ["a close code that is not the application's", disconnect(99, "")],
    ["a close reason that is too long", disconnect(4410, "x".repeat(124))],
    ["a revocation of no time", disconnect(4410, "", -1n)],
    ["a revocation of a time that no number holds", disconnect(4410, "", 2n ** 53n)],
  ])("is skipped and counted, and not asked for again: %s", async (_, push) => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    expect(stage.push(push)).toEqual([]);
    stage.push({ text: "next" });
    await stage.settle();
    expect(client.texts()).toEqual(["next"]);
    expect(client.socket.closed).toBeUndefined();
    expect(stage.core.intake.head(EPOCH_A)).toBe(2);
    expect((await stage.metrics.invalid.get()).values[0]?.value).toBe(1);
  });

  test("is skipped also where the node has it from a peer, and its manager brings it", async () => {
    const { stage, b } = stageWithB();
    const client = stage.open("a");
    const copied = b.encode(disconnect(4410, ""));
    stage.core.intake.takeCopied(stage.core.intake.readCopied(copied));
    expect(stage.core.log.epochs.get(EPOCH_B)?.uncarriedFrom).toBe(1);

    const other = new FakeManager(EPOCH_B).encode(disconnect(99, ""));
    const message = decodeDeliverMessage(requestBytes({ throughSeq: 1 }));
    stage.core.intake.take(EPOCH_B, { ...message, publications: [other] }, 0);
    expect(client.socket.closed).toBeUndefined();
    expect((await stage.metrics.invalid.get()).values[0]?.value).toBe(1);
  });

  function disconnect(code: number, reason: string, revokeIssuedBeforeMs = 0n) {
    const value = { userId: "a", code, reason, revokeIssuedBeforeMs };
    return { command: { kind: { $case: "disconnect" as const, value } } };
  }
});

test("a publication is kept byte by byte as it came, with the fields of a later version", () => {
  const { stage, b } = stageWithB();
  const laterField = Buffer.from([(15 << 3) | 0, 1]);
  const encoded = Buffer.concat([b.encode({ text: "1" }), laterField]);
  const message = decodeDeliverMessage(requestBytes({ throughSeq: 1 }));
  stage.core.intake.take(EPOCH_B, { ...message, publications: [encoded] }, 0);
  expect(stage.core.log.at(0)?.publication.seq).toBe(1);
  expect(stage.core.log.at(0)?.encoded).toEqual(encoded);
});

describe("an idempotency key that the node has", () => {
  test("is delivered once, whichever manager brings it again, with the counts of the first", async () => {
    const { stage, b } = stageWithB();
    const client = stage.open("a", { rooms: ["r"] });
    client.news();
    expect(stage.push({ roomId: "r", text: "1", idempotencyKey: "k" })).toEqual([
      { seq: 1, delivered: 1, lagging: 0, duplicate: false },
    ]);
    stage.open("b", { rooms: ["r"] });
    expect(stage.pushFrom(b, { roomId: "r", text: "2", idempotencyKey: "k" })).toEqual([
      { seq: 1, delivered: 1, lagging: 0, duplicate: true },
    ]);
    await stage.settle();
    expect(client.texts()).toEqual(["1"]);
    expect(stage.core.intake.head(EPOCH_B)).toBe(1);
    expect(stage.core.log.end).toBe(1);
  });

  test("is reported as duplicate also if the first reached nobody", () => {
    const { stage, b } = stageWithB();
    stage.push({ roomId: "r", idempotencyKey: "k" });
    expect(stage.pushFrom(b, { roomId: "r", idempotencyKey: "k" })).toEqual([
      { seq: 1, delivered: 0, lagging: 0, duplicate: true },
    ]);
  });

  test("is forgotten with its publication, which the log evicts", () => {
    const stage = new Stage({ LOG_SECONDS: 10 });
    stage.open("a");
    stage.push({ idempotencyKey: "k" });
    stage.clock.advance(10_001);
    stage.core.housekeep();
    expect(stage.push({ idempotencyKey: "k" })).toMatchObject([{ duplicate: false }]);
    expect(stage.push({ idempotencyKey: "k" })).toMatchObject([{ duplicate: true }]);
  });

  test("counts as received once", async () => {
    const stage = new Stage();
    stage.open("a");
    stage.push({ idempotencyKey: "k" }, { idempotencyKey: "k" });
    stage.push({ text: "without a key" });
    expect(await stage.metric("connect_node_push_received_total", { has_users: "true" })).toBe(2);
  });
});

describe("what a link brings", () => {
  test("is dropped as far as the node has it", async () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    const first = stage.manager.bytes({ text: "1" }, { text: "2" });
    const take = (bytes: Buffer) =>
      stage.core.intake.take(EPOCH_A, decodeDeliverMessage(bytes), 0).length;
    expect(take(first)).toBe(2);
    expect(take(first)).toBe(0);
    expect(take(stage.manager.bytes({ text: "3" }))).toBe(1);
    await stage.settle();
    expect(client.texts()).toEqual(["1", "2", "3"]);
  });

  test("moves the head also where ephemeral publications are left out", () => {
    const stage = new Stage();
    const message = decodeDeliverMessage(requestBytes({ afterSeq: 0, throughSeq: 5 }));
    stage.core.intake.take(EPOCH_A, message, 0);
    expect(stage.core.intake.head(EPOCH_A)).toBe(5);
    expect(stage.core.log.epochs.get(EPOCH_A)?.holes).toEqual([]);
  });

  test("is refused where it is not of the message's epoch or range", () => {
    const { stage, b } = stageWithB();
    const take = (bytes: Buffer) => stage.core.intake.take(EPOCH_A, decodeDeliverMessage(bytes), 0);
    expect(() => take(b.bytes({ text: "of another epoch" }))).toThrow(/epoch and range/);
    const early = decodeDeliverMessage(stage.manager.bytes({}, {}));
    expect(() => stage.core.intake.take(EPOCH_A, { ...early, throughSeq: 1 }, 0)).toThrow(
      /epoch and range/,
    );
    expect(stage.core.intake.head(EPOCH_A)).toBe(1);
    const garbage = { ...early, publications: [Buffer.from([0xff, 0xff])] };
    expect(() => stage.core.intake.take(EPOCH_A, garbage, 0)).toThrow(/no publication/);
  });

  test("keeps nothing of the message that brought it alive", () => {
    const stage = new Stage();
    stage.push({ text: "small" });
    const { encoded, publication } = stage.core.log.at(0) ?? {};
    expect(encoded?.buffer.byteLength).toBe(encoded?.byteLength);
    expect(publication?.content.buffer).toBe(encoded?.buffer);
  });
});

describe("attach", () => {
  test("of a new epoch begins at the manager's tail, and says a gap if that is above 0", async () => {
    const stage = new Stage();
    const client = stage.open("a");
    client.news();
    expect(stage.core.intake.attach(EPOCH_B, 0)).toBeUndefined();
    expect(client.news()).toEqual([]);
    const late = "00000000000000cc";
    expect(stage.core.intake.attach(late, 9)).toBeUndefined();
    expect(client.news()).toMatchObject([{ type: "gap", scope: "all" }]);
    expect(stage.core.intake.head(late)).toBe(9);
  });

  test("of a known epoch says what the node has, and no gap", () => {
    const stage = new Stage();
    const client = stage.open("a");
    stage.push({}, {});
    client.news();
    stage.core.intake.detach(EPOCH_A);
    expect(stage.core.intake.attach(EPOCH_A, 1)).toBe(2);
    expect(client.news()).toEqual([]);
  });

  test("of an epoch that was gone for 2 × LOG_SECONDS is that of a new one", () => {
    const stage = new Stage({ LOG_SECONDS: 10 });
    stage.push({}, {});
    stage.core.intake.detach(EPOCH_A);
    stage.clock.advance(20_001);
    stage.core.housekeep();
    expect(stage.core.intake.attach(EPOCH_A, 0)).toBeUndefined();
  });
});

describe("after a silence of more than LOG_SECONDS", () => {
  function silentStage() {
    const stage = new Stage({ LOG_SECONDS: 10, LAG_SECONDS: 1 });
    stage.silence();
    const client = stage.open("a", { rooms: ["r"] });
    stage.push({ roomId: "r", text: "before" });
    stage.clock.advance(10_000);
    return { stage, client };
  }

  test("the sessions are told that something may be missing, once", async () => {
    const { stage, client } = silentStage();
    await stage.settle();
    client.news();
    stage.clock.advance(1);
    stage.push({ roomId: "r", text: "after" });
    stage.push({ roomId: "r", text: "later" });
    await stage.settle();
    expect(client.texts()).toEqual(["<gap>", "after", "later"]);
    expect(await stage.metric("connect_node_gaps_total", { reason: "silence" })).toBe(1);
  });

  test("who was away before its end is not recovered, and who was away since is", () => {
    const { stage, client } = silentStage();
    const joined = (awayMs: number) => {
      client.news();
      client.send({ type: "join", room: "r", position: new Map([[EPOCH_A, 1]]), awayMs });
      return client.news();
    };
    stage.clock.advance(1);
    stage.core.intake.heard();
    expect(joined(0)).toMatchObject([{ type: "joined", recovered: false }]);
    stage.clock.advance(5_000);
    expect(joined(4_001)).toMatchObject([{ type: "joined", recovered: false }]);
    expect(joined(4_000)).toMatchObject([{ type: "joined", recovered: true }]);
  });

  test("nobody is told anything after one of LOG_SECONDS", async () => {
    const { stage, client } = silentStage();
    stage.push({ roomId: "r", text: "after" });
    await stage.settle();
    expect(client.frames.filter(({ type }) => type === "gap")).toEqual([]);
    expect(stage.core.log.ageMs(stage.clock.monotonicMs())).toBe(10_000);
  });
});

test("a publication of the node's own is ephemeral: delivered now, not kept, in no position", async () => {
  const stage = new Stage();
  const client = stage.open("a");
  client.news();
  const outcome = stage.core.intake.deliverOnly({
    epoch: "00000000000000ff",
    seq: 1,
    roomId: "",
    userIds: [],
    excludeUserIds: [],
    content: Buffer.from("here only"),
    contentType: "",
    idempotencyKey: "",
    ephemeral: true,
    atMs: 0,
  });
  expect(outcome).toEqual({ delivered: 1, lagging: 0 });
  await stage.turn();
  expect(client.news()).toMatchObject([{ type: "message", ephemeral: true }]);
  expect(stage.core.log.end).toBe(0);
  expect(stage.core.log.epochs.heads().has("00000000000000ff")).toBe(false);
});
