import { decodePublication } from "@pushcast/log";
import { describe, expect, test } from "vitest";
import { FakeManager } from "../test/fake-manager.ts";
import { EPOCH_A, EPOCH_B, Stage } from "../test/stage.ts";
import { type LogRead, type ReadBudget, readLog, toLogRead, WANTS_NOTHING } from "./log-reader.ts";
import type { ReplicateMessage } from "./replicate-message.ts";

const EVERYTHING: LogRead = { after: new Map(), maxBytes: Number.POSITIVE_INFINITY };
/** So small that each publication has a message of its own. */
const ONE: ReadBudget = { bytes: 1, entries: 1_000 };

function stageWithB(settings: ConstructorParameters<typeof Stage>[0] = {}) {
  const stage = new Stage(settings);
  const b = new FakeManager(EPOCH_B);
  stage.core.intake.attach(EPOCH_B, 0);
  return { stage, b };
}

function reader(stage: Stage, read: Partial<LogRead> = {}, budget?: ReadBudget) {
  const nowMs = () => stage.clock.monotonicMs();
  return readLog(stage.core.log, { ...EVERYTHING, ...read }, nowMs, budget);
}

function texts(...messages: ReplicateMessage[]): string[] {
  return messages.flatMap(({ publications }) =>
    publications.map((bytes) =>
      Buffer.from(decodePublication(Buffer.from(bytes)).content).toString(),
    ),
  );
}

function next(read: Generator<ReplicateMessage, void>): ReplicateMessage {
  const { value } = read.next();
  if (value === undefined) throw new Error("the read has ended");
  return value;
}

test("the table comes first, then the publications of all managers in log order", () => {
  const { stage, b } = stageWithB();
  stage.push({ text: "a1" });
  stage.pushFrom(b, { text: "b1" });
  stage.push({ text: "a2" }, { text: "gone by", ephemeral: true });
  const [table, ...rest] = [...reader(stage)];
  expect(table).toMatchObject({ publications: [], done: false });
  expect(table?.epochs).toEqual([
    { epoch: EPOCH_A, tailSeq: 0, headSeq: 3, holes: [], live: true, goneMs: 0 },
    { epoch: EPOCH_B, tailSeq: 0, headSeq: 1, holes: [], live: true, goneMs: 0 },
  ]);
  expect(texts(...rest)).toEqual(["a1", "b1", "a2"]);
  expect(rest.map(({ done }) => done)).toEqual([true]);
});

test("what is at or below what the reader has is left out", () => {
  const { stage, b } = stageWithB();
  stage.push({ text: "a1" }, { text: "a2" });
  stage.pushFrom(b, { text: "b1" });
  expect(texts(...reader(stage, { after: new Map([[EPOCH_A, 1]]) }))).toEqual(["a2", "b1"]);
});

test("an epoch of which the reader wants nothing is not told of", () => {
  const { stage, b } = stageWithB();
  stage.push({ text: "a1" });
  stage.pushFrom(b, { text: "b1" });
  const messages = [...reader(stage, { after: new Map([[EPOCH_A, WANTS_NOTHING]]) })];
  expect(texts(...messages)).toEqual(["b1"]);
  for (const { epochs } of messages) expect(epochs.map(({ epoch }) => epoch)).toEqual([EPOCH_B]);
});

test("a reader that lacks nothing is answered by one message, however long the log is", () => {
  const { stage, b } = stageWithB();
  for (let count = 0; count < 50; count += 1) stage.push({});
  stage.pushFrom(b, {});
  const after = new Map([
    [EPOCH_A, WANTS_NOTHING],
    [EPOCH_B, 1],
  ]);
  const messages = [...reader(stage, { after }, ONE)];
  expect(messages).toMatchObject([{ publications: [], done: true, epochs: [{ headSeq: 1 }] }]);
});

test("an epoch without a link says how long it has been gone, and the message how old the log is", () => {
  const { stage } = stageWithB();
  stage.clock.advance(1_000);
  stage.core.intake.detach(EPOCH_B);
  stage.clock.advance(500);
  const [message] = [...reader(stage)];
  expect(message).toMatchObject({
    epochs: [
      { epoch: EPOCH_A, live: true, goneMs: 0 },
      { epoch: EPOCH_B, live: false, goneMs: 500 },
    ],
    logAgeMs: 1_500,
  });
});

describe("a message is bounded", () => {
  test("by bytes: one publication may exceed them", () => {
    const { stage } = stageWithB();
    stage.push({ text: "1" }, { text: "2" }, { text: "3" });
    expect([...reader(stage, {}, ONE)].map((message) => texts(message))).toEqual([
      [],
      ["1"],
      ["2"],
      ["3"],
    ]);
  });

  test("by entries, also those that the reader has", () => {
    const { stage } = stageWithB();
    stage.push({}, {}, {}, {}, { text: "5" });
    const read = reader(stage, { after: new Map([[EPOCH_A, 4]]) }, { bytes: 1_000, entries: 2 });
    expect([...read].map((message) => texts(message))).toEqual([[], [], [], ["5"]]);
  });
});

describe("a reader's max_bytes", () => {
  test("leaves out the oldest, and their epochs' tails say so", () => {
    const { stage, b } = stageWithB();
    stage.push({ text: "a1" });
    stage.pushFrom(b, { text: "b1" });
    stage.push({ text: "a2" }, { text: "a3" });
    const bytes = stage.core.log.at(0)?.encoded.byteLength ?? 0;
    const messages = [...reader(stage, { maxBytes: 2 * bytes })];
    expect(texts(...messages)).toEqual(["a2", "a3"]);
    for (const { epochs } of messages) {
      expect(epochs).toMatchObject([
        { epoch: EPOCH_A, tailSeq: 1, headSeq: 3 },
        { epoch: EPOCH_B, tailSeq: 1, headSeq: 1 },
      ]);
    }
  });

  test("does not count what the reader has", () => {
    const { stage } = stageWithB();
    stage.push({ text: "1" }, { text: "2" }, { text: "3" });
    const maxBytes = stage.core.log.at(0)?.encoded.byteLength ?? 0;
    const messages = [...reader(stage, { after: new Map([[EPOCH_A, 2]]), maxBytes })];
    expect(texts(...messages)).toEqual(["3"]);
    expect(messages[0]?.epochs).toMatchObject([{ tailSeq: 0 }, { tailSeq: 0 }]);
  });

  test("0 is no limit", () => {
    expect(toLogRead({ after: [{ epoch: EPOCH_A, seq: 7n }], maxBytes: 0n })).toEqual({
      after: new Map([[EPOCH_A, 7]]),
      maxBytes: Number.POSITIVE_INFINITY,
    });
  });
});

describe("between two messages", () => {
  test("what is evicted before it was read stands in the tail", () => {
    const { stage } = stageWithB({ LOG_SECONDS: 10 });
    stage.push({ text: "1" }, { text: "2" }, { text: "3" });
    stage.clock.advance(6_000);
    stage.push({ text: "4" });
    const read = reader(stage, {}, ONE);
    expect(next(read).epochs[0]).toMatchObject({ tailSeq: 0, headSeq: 4 });
    expect(texts(next(read))).toEqual(["1"]);
    stage.clock.advance(5_000);
    stage.core.housekeep();
    const last = next(read);
    expect(texts(last)).toEqual(["4"]);
    expect(last).toMatchObject({ done: true, epochs: [{ tailSeq: 3, headSeq: 4 }, {}] });
  });

  test("a hole that comes stands there before what is behind it", () => {
    const { stage } = stageWithB();
    stage.push({ text: "1" });
    const read = reader(stage, {}, ONE);
    next(read);
    stage.manager.skip(3);
    stage.push({ text: "5" });
    expect(next(read)).toMatchObject({ epochs: [{ holes: [{ after: 1, through: 4 }] }, {}] });
    expect(texts(next(read))).toEqual(["5"]);
  });

  test("an epoch that comes is told of, and what is pushed meanwhile is sent, too", () => {
    const { stage, b } = stageWithB();
    stage.push({ text: "1" });
    const read = reader(stage, { after: new Map([[EPOCH_A, 0]]) }, ONE);
    next(read);
    const late = new FakeManager("000000000000000c");
    stage.core.intake.attach(late.epoch, 0);
    stage.pushFrom(late, { text: "c1" });
    stage.pushFrom(b, { text: "b1" });
    const rest = [...read];
    expect(texts(...rest)).toEqual(["1", "c1", "b1"]);
    expect(rest.at(-1)?.epochs.map(({ epoch }) => epoch)).toContain(late.epoch);
  });
});

test("publications that outlive their epoch here are not sent", () => {
  const { stage, b } = stageWithB({ LOG_SECONDS: 10 });
  // A copy stays as long as what came now, but its epoch has been gone for some time.
  stage.core.intake.detach(EPOCH_B);
  stage.clock.advance(14_000);
  stage.core.intake.takeCopied(stage.core.intake.readCopied(b.encode({ text: "b1" })));
  stage.push({ text: "a1" });
  stage.clock.advance(7_000);
  stage.core.housekeep();
  expect(stage.core.log.epochs.get(EPOCH_B)).toBeUndefined();
  expect(stage.core.log.end - stage.core.log.start).toBe(2);
  const messages = [...reader(stage)];
  expect(texts(...messages)).toEqual(["a1"]);
});
