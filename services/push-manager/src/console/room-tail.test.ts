import type { Publication, TailResponse } from "@pushcast/api";
import { ManualClock } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { type FakeNode, fakeNode } from "../../test/fake-nodes.ts";
import type { TailListener } from "../node-connection.ts";
import { RoomTail } from "./room-tail.ts";

const EPOCH_A = "000000000000000a";
const EPOCH_B = "000000000000000b";

function publication(seq: number, epoch = EPOCH_A): Publication {
  return {
    epoch,
    seq: BigInt(seq),
    roomId: "r",
    content: Buffer.from(`${epoch.at(-1)}${seq}`),
    contentType: "",
    idempotencyKey: "",
    excludeUserIds: [],
    ephemeral: false,
    atMs: 0n,
    userIds: [],
    command: undefined,
  };
}

function follow(nodes: FakeNode[]) {
  const clock = new ManualClock();
  const said: string[] = [];
  const listeners: TailListener[] = [];
  const closed: number[] = [];
  for (const node of nodes) {
    node.onTail = (roomId, listener) => {
      said.push(`open ${roomId} on ${node.link.nodeId}`);
      const index = listeners.push(listener) - 1;
      return { close: () => closed.push(index) };
    };
  }
  const tail = new RoomTail({
    roomId: "r",
    nodes: () => nodes,
    clock,
    onNode: (nodeId) => said.push(`node ${nodeId}`),
    onWaiting: (reason) => said.push(`waiting: ${reason}`),
    onPublications: (publications, skipped) =>
      said.push(`${publications.map(({ content }) => content).join(" ")} skipped ${skipped}`),
  });
  tail.start();
  const respond = (response: Partial<TailResponse>) =>
    listeners.at(-1)?.onResponse({ nodeId: "", publications: [], skipped: 0n, ...response });
  const end = (reason: string) => listeners.at(-1)?.onEnd(reason);
  return { clock, said, tail, respond, end, closed };
}

test("reads a node that is ready and attached", () => {
  const starting = fakeNode("node-1", { state: "starting" });
  const down = fakeNode("node-2", { link: "down" });
  const { said, respond } = follow([starting, down, fakeNode("node-3")]);
  respond({ nodeId: "node-3" });
  respond({ publications: [publication(1), publication(1, EPOCH_B)] });
  respond({ skipped: 4n });
  expect(said).toEqual(["open r on node-3", "node node-3", "a1 b1 skipped 0", " skipped 4"]);
});

test("goes on with another node, and passes nothing on twice", () => {
  const nodes = [fakeNode("node-1"), fakeNode("node-2")];
  const { said, respond, end, clock } = follow(nodes);
  respond({ nodeId: "node-1" });
  respond({ publications: [publication(1), publication(2)] });
  end("node is closing");
  clock.advance(1000);
  respond({ nodeId: "node-2" });
  respond({ publications: [publication(2), publication(3)] });
  expect(said).toEqual([
    "open r on node-1",
    "node node-1",
    "a1 a2 skipped 0",
    "waiting: node-1: node is closing",
    "open r on node-2",
    "node node-2",
    "a3 skipped 0",
  ]);
});

test("waits for a node, and says so once", () => {
  const nodes: FakeNode[] = [fakeNode("node-1", { state: "draining" })];
  const { said, clock } = follow(nodes);
  clock.advance(5000);
  expect(said).toEqual(["waiting: no node is ready"]);
  nodes[0]?.become("ready");
  clock.advance(500);
  expect(said.at(-1)).toBe("open r on node-1");
});

test("once closed, it closes its stream and opens no other", () => {
  const { said, tail, closed, clock } = follow([fakeNode("node-1")]);
  tail.close();
  clock.advance(10_000);
  expect(closed).toEqual([0]);
  expect(said).toEqual(["open r on node-1"]);
});
