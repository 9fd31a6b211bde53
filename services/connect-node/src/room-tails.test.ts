import { TailResponse } from "@pushcast/api";
import { expect, test } from "vitest";
import { FakeManager } from "../test/fake-manager.ts";
import { EPOCH_B, Stage } from "../test/stage.ts";
import { RoomTail } from "./room-tails.ts";

/** A reader that has read nothing until `read` is called. */
function stageWithTail({ maxBytes = 10_000, room = "r" } = {}) {
  const stage = new Stage();
  const messages: TailResponse[] = [];
  const unread: (() => void)[] = [];
  let skipped = 0;
  let ended = false;
  const tasks: (() => void)[] = [];
  const tail = new RoomTail({
    nodeId: "node-1",
    maxBytes,
    send: (message, onSent) => {
      messages.push(TailResponse.decode(message));
      unread.push(onSent);
    },
    end: () => {
      ended = true;
    },
    onSkipped: () => {
      skipped += 1;
    },
    defer: (task) => tasks.push(task),
  });
  const remove = stage.core.tails.add(room, tail);
  const endTurn = () => {
    for (const task of tasks.splice(0)) task();
  };
  const read = () => {
    for (const sent of unread.splice(0)) sent();
    endTurn();
  };
  return {
    stage,
    messages,
    remove,
    endTurn,
    read,
    get skipped() {
      return skipped;
    },
    get ended() {
      return ended;
    },
    texts: () =>
      messages.map(({ publications }) => publications.map(({ content }) => String(content))),
  };
}

test("a tail says first on which node it is", () => {
  const { messages } = stageWithTail();
  expect(messages).toEqual([{ nodeId: "node-1", publications: [], skipped: 0n }]);
});

test("a tail gets what is pushed to its room, a turn in one message, and nothing else", () => {
  const { stage, texts, endTurn } = stageWithTail();
  stage.push({ roomId: "r", text: "1" });
  stage.push({ roomId: "other", text: "2" });
  stage.push({ text: "to all" });
  stage.push({ roomId: "r", text: "3", ephemeral: true });
  stage.push({ roomId: "r", text: "4", userIds: ["ann"] });
  endTurn();
  expect(texts()).toEqual([[], ["1", "3", "4"]]);
});

test("a tail gets what came by another node's log, and nothing twice for its key", () => {
  const { stage, texts, endTurn } = stageWithTail();
  const b = new FakeManager(EPOCH_B);
  stage.core.intake.attach(EPOCH_B, 0);
  const { intake } = stage.core;
  intake.takeCopied(intake.readCopied(b.encode({ roomId: "r", text: "1", idempotencyKey: "k" })));
  stage.push({ roomId: "r", text: "again", idempotencyKey: "k" });
  endTurn();
  expect(texts()).toEqual([[], ["1"]]);
});

test("what a slow reader has no room for is left out, counted, and said when it reads again", () => {
  const tailed = stageWithTail({ maxBytes: 300 });
  const { stage, messages, texts, endTurn, read } = tailed;
  for (const text of ["a", "b", "c", "d"]) stage.push({ roomId: "r", text: text.repeat(100) });
  endTurn();
  expect(tailed.skipped).toBe(2);
  expect(texts()[1]).toHaveLength(2);
  expect(messages[1]?.skipped).toBe(2n);
  stage.push({ roomId: "r", text: "e".repeat(100) });
  endTurn();
  read();
  expect(messages[2]).toMatchObject({ publications: [], skipped: 1n });
  read();
  stage.push({ roomId: "r", text: "f" });
  endTurn();
  expect(texts()[3]).toEqual(["f"]);
});

test("what is larger than all that may wait is left out, and said at once", () => {
  const { stage, messages, endTurn } = stageWithTail({ maxBytes: 300 });
  stage.push({ roomId: "r", text: "a".repeat(301) });
  endTurn();
  expect(messages[1]).toMatchObject({ publications: [], skipped: 1n });
});

test("a tail that is removed, however often, gets nothing more", () => {
  const { stage, texts, remove, endTurn } = stageWithTail();
  expect(stage.core.tails.size).toBe(1);
  remove();
  remove();
  expect(stage.core.tails.size).toBe(0);
  stage.push({ roomId: "r", text: "1" });
  endTurn();
  expect(texts()).toEqual([[]]);
});

test("a node that stops sends what it has, and ends its tails", () => {
  const tailed = stageWithTail();
  tailed.stage.push({ roomId: "r", text: "last" });
  tailed.stage.core.tails.closeAll();
  expect(tailed.texts()).toEqual([[], ["last"]]);
  expect(tailed.ended).toBe(true);
});
