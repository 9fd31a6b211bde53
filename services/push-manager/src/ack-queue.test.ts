import { FailureReason } from "@pushcast/api";
import { expect, test } from "vitest";
import { AckQueue } from "./ack-queue.ts";
import { PendingPush } from "./pending-push.ts";

function outcome(seq: number, sessionsDelivered: number, sessionsLagging = 0, duplicate = false) {
  return { seq, sessionsDelivered, sessionsLagging, duplicate };
}

/** A push that awaits these nodes; `settled` has its seq once it is. */
function push(seq: number, nodes: AckQueue[], settled: number[] = [], ephemeral = false) {
  const pending = new PendingPush(seq, ephemeral, nodes.length, true, () => settled.push(seq));
  for (const node of nodes) node.add(pending);
  return pending;
}

test("a push is settled when every node has acknowledged, with the sum of what they did", () => {
  const [a, b, c] = [new AckQueue("a"), new AckQueue("b"), new AckQueue("c")];
  const settled: number[] = [];
  const first = push(1, [a, b, c], settled);
  a.acknowledge(1, [outcome(1, 2, 1)]);
  b.acknowledge(1, []);
  expect(settled).toEqual([]);
  c.acknowledge(1, [outcome(1, 3, 0, true)]);
  expect(settled).toEqual([1]);
  expect(first.report).toEqual({
    nodesTotal: 3,
    nodesAcked: 3,
    nodesMatched: 2,
    sessionsDelivered: 5,
    sessionsLagging: 1,
    nodesDuplicate: 1,
    failures: [],
  });
});

test("one acknowledgement covers all up to its seq, with outcomes in any order", () => {
  const node = new AckQueue("a");
  const settled: number[] = [];
  const pushes = [1, 2, 3, 4].map((seq) => push(seq, [node], settled));
  node.acknowledge(3, [outcome(3, 30), outcome(1, 10)]);
  expect(settled).toEqual([1, 2, 3]);
  expect(pushes.map(({ report }) => report.sessionsDelivered)).toEqual([10, 0, 30, 0]);
  expect(node.size).toBe(1);
});

test("a push that expired names who is missing, marks them, and takes nothing more", () => {
  const [a, b] = [new AckQueue("a"), new AckQueue("b")];
  const settled: number[] = [];
  const late = push(1, [a, b], settled);
  a.acknowledge(1, []);
  late.expire();
  expect(settled).toEqual([1]);
  expect([a.missedDeadline, b.missedDeadline]).toEqual([false, true]);
  b.acknowledge(1, [outcome(1, 5)]);
  expect(b.missedDeadline).toBe(false);
  expect(late.report).toMatchObject({ nodesAcked: 1, sessionsDelivered: 0 });
  expect(late.report.failures).toMatchObject([
    { nodeId: "b", reason: FailureReason.FAILURE_REASON_DEADLINE },
  ]);
  expect(settled).toEqual([1]);
});

test("a link that goes down fails all that await it", () => {
  const node = new AckQueue("a");
  const pushes = [push(1, [node]), push(2, [node])];
  node.failAll("broken");
  expect(node.size).toBe(0);
  for (const { report } of pushes) {
    expect(report.failures).toEqual([
      { nodeId: "a", reason: FailureReason.FAILURE_REASON_LINK_DOWN, message: "broken" },
    ]);
  }
});

test("a gap fails those in it, and the acknowledgement of later ones does not count for them", () => {
  const node = new AckQueue("a");
  const pushes = [1, 2, 3, 4].map((seq) => push(seq, [node]));
  node.failGap(1, 3);
  node.acknowledge(4, [outcome(2, 9)]);
  expect(pushes.map(({ report }) => report.nodesAcked)).toEqual([1, 0, 0, 1]);
  expect(pushes[1]?.report).toMatchObject({
    sessionsDelivered: 0,
    failures: [{ reason: FailureReason.FAILURE_REASON_GAP }],
  });
});

test("only ephemeral pushes can be skipped", () => {
  const node = new AckQueue("a");
  const durable = push(1, [node]);
  const ephemeral = push(2, [node], [], true);
  node.failSkipped(0, 2);
  node.acknowledge(2, []);
  expect(durable.report.nodesAcked).toBe(1);
  expect(ephemeral.report.failures).toMatchObject([
    { reason: FailureReason.FAILURE_REASON_SKIPPED },
  ]);
});

test("a long queue gives back what was acknowledged", () => {
  const node = new AckQueue("a");
  for (let seq = 1; seq <= 5000; seq += 1) push(seq, [node]);
  node.acknowledge(4999, []);
  expect(node.size).toBe(1);
  const last = push(5001, [node]);
  node.acknowledge(5001, [outcome(5001, 1)]);
  expect(last.report).toMatchObject({ nodesAcked: 1, sessionsDelivered: 1 });
});
