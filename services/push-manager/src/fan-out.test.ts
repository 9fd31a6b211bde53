import { type DeliveryReport, failureReasonToJSON, type NodeFailure } from "@pushcast/api";
import type { NodeRecord } from "@pushcast/registry";
import { createLogger, ManualClock } from "@pushcast/runtime";
import { expect, test } from "vitest";
import { FakeConnections } from "../test/fake-connections.ts";
import { FanOut } from "./fan-out.ts";
import { type NewPublication, OutgoingLog } from "./outgoing-log.ts";

const EPOCH = "00000000000000aa";
const ACK_TIMEOUT_MS = 1000;
const MANY = 1_000_000;

function record(nodeId: string, changes: Partial<NodeRecord> = {}): NodeRecord {
  const state = "ready";
  const grpcAddress = `${nodeId}.test:1`;
  return { nodeId, grpcAddress, state, zone: "", version: "", startedAt: "1", ...changes };
}

/** A fan-out over fake connections. The turn ends when the test says so. */
class Stage {
  readonly clock = new ManualClock();
  readonly connections = new FakeConnections();
  readonly log: OutgoingLog;
  readonly fanOut: FanOut;
  readonly appended: string[] = [];
  readonly delivered: string[] = [];
  readonly failed: string[] = [];
  readonly reports: DeliveryReport[] = [];
  /** Every line that was logged, from info on. */
  readonly logged: Record<string, unknown>[] = [];
  #deferred: (() => void)[] = [];

  constructor({ logBytes = MANY, maxPendingPushes = MANY } = {}) {
    this.log = new OutgoingLog(EPOCH, { maxBytes: logBytes, maxAgeMs: 60_000 });
    this.fanOut = new FanOut({
      log: this.log,
      clock: this.clock,
      connect: this.connections.connect,
      counters: {
        appended: (api, nodesTotal) => this.appended.push(`${api} ${nodesTotal}`),
        delivered: (api) => this.delivered.push(api),
        failed: (failures) => this.failed.push(...failures.map(nameOf)),
      },
      logger: createLogger(
        { service: "push-manager", level: "info" },
        { write: (line) => void this.logged.push(JSON.parse(line)) },
      ),
      managerId: "manager",
      version: "1",
      logBytes,
      maxPendingPushes,
      ackTimeoutMs: ACK_TIMEOUT_MS,
      random: () => 1,
      defer: (task) => this.#deferred.push(task),
    });
    this.fanOut.start();
  }

  /** Nodes that are known and have their links. */
  attach(...nodeIds: string[]): void {
    this.know(...nodeIds.map((nodeId) => record(nodeId)));
    for (const nodeId of nodeIds) this.to(nodeId).hello(nodeId);
  }

  know(...records: NodeRecord[]): void {
    this.fanOut.follow(new Map(records.map((known) => [known.nodeId, known])));
  }

  to(nodeId: string) {
    return this.connections.to(`${nodeId}.test:1`);
  }

  /** Its report is in `reports`, at its seq, once it is settled. */
  push(changes: Partial<NewPublication> = {}, timeoutMs = ACK_TIMEOUT_MS): void {
    this.append(changes, timeoutMs);
  }

  append(changes: Partial<NewPublication>, timeoutMs: number | undefined): void {
    const publication = {
      roomId: "r",
      userIds: [],
      excludeUserIds: [],
      content: Buffer.from("x"),
      contentType: "",
      idempotencyKey: "",
      ephemeral: false,
      atMs: 0,
      ...changes,
    };
    this.fanOut.append(publication, "PushToRoom", timeoutMs, (seq, report) => {
      this.reports[seq] = report;
    });
  }

  endTurn(): void {
    const tasks = this.#deferred;
    this.#deferred = [];
    for (const task of tasks) task();
  }

  states(): Record<string, string> {
    return Object.fromEntries([...this.fanOut.nodes].map(({ link }) => [link.nodeId, link.state]));
  }

  failures(seq: number): string[] {
    return (this.reports[seq]?.failures ?? []).map(nameOf);
  }
}

function nameOf({ nodeId, reason }: NodeFailure): string {
  return `${nodeId} ${failureReasonToJSON(reason).replace("FAILURE_REASON_", "")}`;
}

test("the pushes of a turn go to every node in one message with the same bytes", () => {
  const stage = new Stage();
  stage.attach("a", "b");
  stage.push();
  stage.push();
  expect(stage.to("a").requests).toHaveLength(1);
  stage.endTurn();
  const [, batch] = stage.to("a").requests;
  expect(batch).toMatchObject({ afterSeq: 0n, throughSeq: 2n });
  expect(stage.to("a").seqs).toEqual([1, 2]);
  expect(stage.to("a").written[1]).toBe(stage.to("b").written[1]);
});

test("a push is answered when every node that can be waited for has it", () => {
  const stage = new Stage();
  stage.attach("a", "b");
  stage.push();
  stage.endTurn();
  const outcome = { seq: 1, sessionsDelivered: 2, sessionsLagging: 1, duplicate: false };
  stage.to("a").acknowledge(1, [outcome]);
  expect(stage.reports[1]).toBeUndefined();
  stage.to("b").acknowledge(1);
  expect(stage.reports[1]).toMatchObject({
    nodesTotal: 2,
    nodesAcked: 2,
    nodesMatched: 1,
    sessionsDelivered: 2,
    sessionsLagging: 1,
  });
  expect(stage.appended).toEqual(["PushToRoom 2"]);
  expect(stage.delivered).toEqual(["PushToRoom"]);
});

test("a push whose publisher does not wait is settled at once with the number of nodes", () => {
  const stage = new Stage();
  stage.attach("a");
  stage.append({}, undefined);
  expect(stage.reports[1]).toMatchObject({ nodesTotal: 1, nodesAcked: 0, failures: [] });
});

test("a node whose link is not live fails at once, and one whose link breaks fails then", () => {
  const stage = new Stage();
  stage.attach("a", "b");
  stage.know(record("a"), record("b"), record("c"));
  stage.push();
  stage.endTurn();
  stage.to("a").break();
  expect(stage.reports[1]).toBeUndefined();
  stage.to("b").acknowledge(1);
  expect(stage.failures(1)).toEqual(["c LINK_DOWN", "a LINK_DOWN"]);
  expect(stage.reports[1]).toMatchObject({ nodesTotal: 3, nodesAcked: 1 });
  expect(stage.failed).toEqual(["c LINK_DOWN", "a LINK_DOWN"]);
});

test("the failures of a push that waits for nobody that is there are counted, too", () => {
  const stage = new Stage();
  stage.know(record("a"));
  stage.push();
  expect(stage.failures(1)).toEqual(["a LINK_DOWN"]);
  expect(stage.failed).toEqual(["a LINK_DOWN"]);
});

test("after a missed deadline a node is not waited for until it acknowledges again", () => {
  const stage = new Stage();
  stage.attach("a", "b");
  stage.push();
  stage.endTurn();
  stage.to("a").acknowledge(1);
  stage.clock.advance(1000);
  expect(stage.failures(1)).toEqual(["b DEADLINE"]);

  stage.push();
  stage.endTurn();
  stage.to("a").acknowledge(2);
  expect(stage.failures(2)).toEqual(["b DEADLINE"]);

  stage
    .to("b")
    .acknowledge(1, [{ seq: 1, sessionsDelivered: 1, sessionsLagging: 0, duplicate: false }]);
  expect(stage.delivered).toEqual(["PushToRoom"]);
  stage.push();
  stage.endTurn();
  stage.to("a").acknowledge(3);
  expect(stage.reports[3]).toBeUndefined();
  stage.to("b").acknowledge(3);
  expect(stage.reports[3]).toMatchObject({ nodesAcked: 2 });
});

test("a publisher's own short deadline says nothing of a node: others still wait for it", () => {
  const stage = new Stage();
  stage.attach("a", "b");
  stage.push({}, 100);
  stage.endTurn();
  stage.to("a").acknowledge(1);
  stage.clock.advance(100);
  expect(stage.failures(1)).toEqual(["b DEADLINE"]);

  stage.push();
  stage.endTurn();
  stage.to("a").acknowledge(2);
  expect(stage.reports[2]).toBeUndefined();
  stage.to("b").acknowledge(2);
  expect(stage.reports[2]).toMatchObject({ nodesAcked: 2, failures: [] });
});

test("a slow link gets one larger message when it drains, and holds nobody back", () => {
  const stage = new Stage();
  stage.attach("slow", "fast");
  stage.to("slow").writable = false;
  for (let turn = 0; turn < 3; turn += 1) {
    stage.push();
    stage.endTurn();
  }
  expect(stage.to("slow").seqs).toEqual([1]);
  expect(stage.to("fast").seqs).toEqual([1, 2, 3]);
  stage.to("slow").drain();
  expect(stage.to("slow").requests.at(-1)).toMatchObject({ afterSeq: 1n, throughSeq: 3n });
  expect(stage.to("slow").seqs).toEqual([1, 2, 3]);
});

test("an ephemeral push skips a link that is behind, and says so when the turn ends", () => {
  const stage = new Stage();
  stage.attach("slow", "fast");
  stage.to("slow").writable = false;
  stage.push();
  stage.endTurn();
  stage.push({ ephemeral: true });
  stage.endTurn();
  stage.to("fast").acknowledge(2);
  expect(stage.failures(2)).toEqual(["slow SKIPPED"]);
  stage.to("slow").drain();
  expect(stage.to("slow").requests.at(-1)).toMatchObject({ throughSeq: 2n, publications: [] });
  stage.to("slow").acknowledge(2);
  expect(stage.reports[1]).toMatchObject({ nodesAcked: 2 });
});

test("a turn that fills a message is sent before it ends", () => {
  const stage = new Stage();
  stage.attach("a");
  const content = Buffer.alloc(600 * 1024);
  for (let count = 0; count < 3; count += 1) stage.push({ content, ephemeral: true });
  expect(stage.to("a").seqs).toEqual([1, 2]);
  stage.endTurn();
  expect(stage.to("a").seqs).toEqual([1, 2, 3]);
});

test("a link that fell off the log goes on from its tail, and what lay between has a gap", () => {
  const stage = new Stage({ logBytes: 3000 });
  stage.attach("slow", "b", "c");
  const content = Buffer.alloc(1000);
  stage.to("slow").writable = false;
  for (let seq = 1; seq <= 6; seq += 1) {
    stage.push({ content });
    stage.endTurn();
    stage.to("b").acknowledge(seq);
    stage.to("c").acknowledge(seq);
  }
  stage.to("slow").drain();
  expect(stage.to("slow").requests.at(-1)).toMatchObject({ afterSeq: 4n, throughSeq: 6n });
  stage.to("slow").acknowledge(6);
  expect([1, 2, 3, 4, 5, 6].map((seq) => stage.failures(seq))).toEqual([
    [],
    ["slow GAP"],
    ["slow GAP"],
    ["slow GAP"],
    [],
    [],
  ]);
});

test("a link that re-attaches goes on after what the node has", () => {
  const stage = new Stage();
  stage.attach("a");
  for (let count = 0; count < 3; count += 1) stage.push();
  stage.endTurn();
  stage.to("a").break();
  expect(stage.states()).toEqual({ a: "down" });
  stage.clock.advance(200);
  expect(stage.connections.all).toHaveLength(2);
  expect(stage.to("a").requests[0]?.hello).toMatchObject({
    epoch: EPOCH,
    tailSeq: 0n,
    headSeq: 3n,
  });
  stage.to("a").hello("a", 2);
  expect(stage.to("a").seqs).toEqual([3]);
  expect(stage.states()).toEqual({ a: "live" });
});

test("a node that does not know the epoch gets it from the log's tail", () => {
  const stage = new Stage();
  stage.attach("a");
  stage.push();
  stage.push();
  stage.endTurn();
  stage.know(record("a"), record("b"));
  stage.to("b").hello("b");
  expect(stage.to("b").seqs).toEqual([1, 2]);
});

test("a node is not waited for while its address answers as another node", () => {
  const stage = new Stage();
  stage.know(record("a"));
  stage.to("a").hello("stranger");
  expect(stage.states()).toEqual({ a: "down" });
  expect(stage.to("a").isClosed).toBe(true);
});

test("a hello names the node that it is meant for", () => {
  const stage = new Stage();
  stage.know(record("a"));
  expect(stage.to("a").requests[0]?.hello).toMatchObject({ nodeId: "a" });
});

test("where the registry knows addresses only, a node's id is what it says", () => {
  const stage = new Stage();
  stage.know(record("10.0.0.1:1", { grpcAddress: "10.0.0.1:1" }));
  expect(stage.states()).toEqual({ "10.0.0.1:1": "connecting" });
  const [request] = stage.connections.to("10.0.0.1:1").requests;
  expect(request?.hello).toMatchObject({ nodeId: "" });
  stage.connections.to("10.0.0.1:1").hello("a");
  expect(stage.states()).toEqual({ a: "live" });
});

test("where the registry knows addresses only, a node that has closed is waited for", () => {
  const stage = new Stage();
  const address = "10.0.0.1:1";
  stage.know(record(address, { grpcAddress: address }));
  const first = stage.connections.to(address);
  first.hello("a");
  first.respond({ closing: true });
  first.break("OK");
  expect(stage.states()).toEqual({ a: "down" });
  stage.clock.advance(200);
  stage.connections.to(address).hello("a2");
  expect(stage.states()).toEqual({ a2: "live" });
});

test("an idle link carries a heartbeat each second, and is torn down after three of silence", () => {
  const stage = new Stage();
  stage.attach("a");
  const first = stage.to("a");
  stage.clock.advance(2900);
  expect(first.requests.slice(1)).toHaveLength(2);
  expect(first.requests[1]).toMatchObject({ afterSeq: 0n, throughSeq: 0n, publications: [] });
  expect(stage.states()).toEqual({ a: "live" });
  stage.clock.advance(100);
  expect(stage.states()).toEqual({ a: "down" });
  expect(first.isClosed).toBe(true);
  stage.clock.advance(200);
  expect(stage.to("a")).not.toBe(first);
});

test("attempts to attach back off to one a second", () => {
  const stage = new Stage();
  stage.know(record("a"));
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    stage.to("a").break();
    stage.clock.advance(1000);
    expect(stage.connections.all).toHaveLength(attempt + 1);
  }
});

test("a node that was never reached is told of after five attempts, and once a minute from then on", () => {
  const stage = new Stage();
  stage.know(record("a"));
  const told = () => stage.logged.filter(({ msg }) => msg === "node cannot be reached");
  const attempt = () => {
    stage.to("a").break("connection refused");
    stage.clock.advance(1_000);
  };
  for (let attempts = 1; attempts <= 4; attempts += 1) attempt();
  expect(told()).toEqual([]);
  attempt();
  expect(told()).toMatchObject([
    { level: "warn", nodeId: "a", reason: "connection refused", failedAttempts: 5 },
  ]);
  for (let attempts = 6; attempts <= 65; attempts += 1) attempt();
  expect(told()).toHaveLength(2);
});

test("a node that breaks the protocol is attached anew", () => {
  const stage = new Stage();
  stage.attach("a", "b", "c");
  stage.to("a").acknowledge(1);
  stage.to("b").hello("b");
  expect(stage.states()).toEqual({ a: "down", b: "down", c: "live" });
  stage.know(record("d"));
  stage.to("d").acknowledge(0);
  expect(stage.states()).toMatchObject({ d: "down" });
});

test("a healthy link is kept without a key, and leaves when it breaks", () => {
  const stage = new Stage();
  stage.attach("a", "b");
  stage.know(record("b"));
  expect(stage.states()).toEqual({ a: "live", b: "live" });
  expect([...stage.fanOut.nodes].map(({ isRegistered }) => isRegistered)).toEqual([false, true]);
  stage.to("a").break();
  expect(stage.states()).toEqual({ b: "live" });
});

test("a link that is down leaves with its key", () => {
  const stage = new Stage();
  stage.attach("a");
  stage.to("a").break();
  stage.know();
  expect(stage.states()).toEqual({});
});

test("a closing node gets nothing more and leaves when its stream ends, until it is born again", () => {
  const stage = new Stage();
  stage.attach("a", "b");
  stage.push();
  stage.endTurn();
  stage.to("a").respond({ closing: true, throughSeq: 1 });
  stage.to("b").acknowledge(1);
  expect(stage.failures(1)).toEqual([]);
  expect(stage.to("a").hasEndedWriting).toBe(true);
  stage.push();
  stage.endTurn();
  expect(stage.to("a").seqs).toEqual([1]);
  stage.to("b").acknowledge(2);
  expect(stage.failures(2)).toEqual(["a LINK_DOWN"]);

  stage.to("a").break("OK");
  stage.know(record("a"), record("b"));
  expect(stage.states()).toEqual({ b: "live" });
  stage.know(record("a", { startedAt: "2" }), record("b"));
  expect(stage.states()).toEqual({ a: "connecting", b: "live" });
});

test("a node whose address has changed gets a new link", () => {
  const stage = new Stage();
  stage.attach("a");
  const old = stage.to("a");
  stage.push();
  stage.know(record("a", { grpcAddress: "elsewhere.test:1" }));
  expect(old.isClosed).toBe(true);
  expect(stage.failures(1)).toEqual(["a LINK_DOWN"]);
  stage.connections.to("elsewhere.test:1").hello("a");
  expect(stage.states()).toEqual({ a: "live" });
});

test("publishers are held back while most links lag by more than a quarter of the log", () => {
  const stage = new Stage({ logBytes: 8000 });
  stage.attach("a", "b");
  const content = Buffer.alloc(1000);
  for (let count = 0; count < 2; count += 1) {
    expect(stage.fanOut.refusal).toBeUndefined();
    stage.push({ content });
    stage.endTurn();
  }
  expect(stage.fanOut.refusal).toBe("BACK_PRESSURE");
  let released = 0;
  stage.fanOut.onceReleased(() => {
    released += 1;
  });
  stage.to("a").acknowledge(2);
  stage.endTurn();
  expect(stage.fanOut.refusal).toBeUndefined();
  expect(released).toBe(1);
});

test("publishers are held back while too many pushes await acknowledgement", () => {
  const stage = new Stage({ maxPendingPushes: 2 });
  stage.attach("a");
  stage.push();
  stage.push();
  expect(stage.fanOut.refusal).toBe("BACK_PRESSURE");
  stage.endTurn();
  stage.to("a").acknowledge(1);
  expect(stage.fanOut.refusal).toBeUndefined();
});

test("without any node nothing is taken, with one that cannot be reached it is", () => {
  const stage = new Stage();
  expect(stage.fanOut.refusal).toBe("NO_NODES");
  stage.know(record("a"));
  expect(stage.fanOut.refusal).toBeUndefined();
});

test("a stop answers what is in flight, flushes, and ends each link after its final message", async () => {
  const stage = new Stage();
  stage.attach("a");
  stage.push();
  const stopped = stage.fanOut.stop(500, 500);
  expect(stage.fanOut.refusal).toBe("STOPPING");
  stage.endTurn();
  stage.to("a").acknowledge(1);
  expect(stage.reports[1]).toMatchObject({ nodesAcked: 1 });
  await settle();
  expect(stage.to("a").requests.at(-1)).toMatchObject({ throughSeq: 1n, final: true });
  expect(stage.to("a").hasEndedWriting).toBe(false);
  stage.to("a").acknowledge(1);
  expect(stage.to("a").hasEndedWriting).toBe(true);
  stage.to("a").break("OK");
  await stopped;
  expect(stage.states()).toEqual({});
  expect(stage.clock.pendingTimers).toBe(0);
});

test("a stop says that the manager stops, not that nodes have left", async () => {
  const stage = new Stage();
  stage.attach("a", "b");
  const stopped = stage.fanOut.stop(500, 500);
  await settle();
  stage.to("a").acknowledge(0);
  stage.to("a").break("OK");
  stage.clock.advance(500);
  await stopped;
  const lines = stage.logged.map(({ msg, nodeId, reason }) => `${nodeId}: ${msg}: ${reason}`);
  expect(lines.filter((line) => line.includes("left"))).toEqual([]);
  expect(lines.filter((line) => line.includes("let go"))).toEqual([
    "a: node let go: manager has stopped",
    "b: node let go: manager has stopped",
  ]);
});

test("a link that has ended for a stop is not opened anew while others end", async () => {
  const stage = new Stage();
  const address = "10.0.0.1:1";
  stage.know(record(address, { grpcAddress: address }), record("b"));
  stage.connections.to(address).hello("a");
  stage.to("b").hello("b");
  const stopped = stage.fanOut.stop(500, 500);
  await settle();
  stage.connections.to(address).acknowledge(0);
  stage.connections.to(address).break("OK");
  stage.clock.advance(500);
  await stopped;
  expect(stage.connections.all.map(({ grpcAddress }) => grpcAddress)).toEqual([
    address,
    "b.test:1",
  ]);
});

test("a stop does not wait for ever, neither for acknowledgements nor for the end of a stream", async () => {
  const stage = new Stage();
  stage.attach("a");
  stage.push({}, 60_000);
  const stopped = stage.fanOut.stop(500, 500);
  stage.endTurn();
  stage.clock.advance(500);
  await settle();
  expect(stage.failures(1)).toEqual(["a DEADLINE"]);
  stage.clock.advance(500);
  await stopped;
  expect(stage.to("a").isClosed).toBe(true);
});

/** Lets promises that are resolved already run their course. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
