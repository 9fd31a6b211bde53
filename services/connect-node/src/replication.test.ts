import { setImmediate as nextTurn } from "node:timers/promises";
import type { ReplicateRequest } from "@pushcast/api";
import { createRegistry, type NodeState, RegistryMemory } from "@pushcast/registry";
import { createLogger, type Logger, type ManualClock } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
import { FakeManager } from "../test/fake-manager.ts";
import { EPOCH_A, EPOCH_B, Stage } from "../test/stage.ts";
import { readLog, toLogRead, WANTS_NOTHING } from "./log-reader.ts";
import { ManagerLink } from "./manager-link.ts";
import { ManagerLinks } from "./manager-links.ts";
import type { PeerConnection } from "./peer-connection.ts";
import { Peers } from "./peers.ts";
import type { ReplicateMessage } from "./replicate-message.ts";
import { Replication, type ReplicationTimes } from "./replication.ts";

const TIMES: ReplicationTimes = {
  warmMs: 10_000,
  reattachMs: 10_000,
  logMs: 300_000,
  lagMs: 30_000,
};
const OLD_MS = TIMES.logMs + TIMES.lagMs;

/** A peer with a log of its own; what it answers, and whether, is the test's. */
class FakePeer implements PeerConnection {
  readonly stage = new Stage();
  readonly requests: ReplicateRequest[] = [];
  /** Messages that come before the answer breaks off; undefined for all. */
  breaksAfter: number | undefined;
  /** It answers nothing, until it is closed. */
  isFrozen = false;
  closed = 0;
  #cancel = () => {};

  async replicate(
    request: ReplicateRequest,
    onMessage: (message: ReplicateMessage) => void,
  ): Promise<void> {
    this.requests.push(request);
    if (this.isFrozen) {
      await new Promise<void>((_, reject) => {
        this.#cancel = () => reject(new Error("cancelled"));
      });
    }
    let sent = 0;
    const nowMs = () => this.stage.clock.monotonicMs();
    const budget = { bytes: 1, entries: 100 };
    for (const message of readLog(this.stage.core.log, toLogRead(request), nowMs, budget)) {
      if (sent === this.breaksAfter) throw new Error("broken off");
      sent += 1;
      onMessage(message);
    }
  }

  close(): void {
    this.closed += 1;
    this.#cancel();
  }

  /** Of each epoch what the last request said. */
  get asked(): Record<string, number> {
    const after = this.requests.at(-1)?.after ?? [];
    return Object.fromEntries(after.map(({ epoch, seq }) => [epoch, Number(seq)]));
  }
}

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly peer?: string;
  readonly step?: string;
}

function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { logger: createLogger({ service: "connect-node", level: "debug" }, stream), lines };
}

/** A node that replicates, with nothing in its log, and the peers that it finds. */
async function setUp(times: Partial<ReplicationTimes> = {}) {
  const memory = new RegistryMemory();
  const create = () => createRegistry({ kind: "memory", memory }, () => {});
  const fakes = new Map<string, FakePeer>();
  const stage = new Stage();
  stage.silence();
  // Its stage's manager is not attached, and not known.
  stage.core.intake.detach(EPOCH_A);
  stage.core.log.epochs.forgetGone(1, 0);
  const { core, clock, metrics } = stage;
  const links = new ManagerLinks(core.intake);
  const { logger, lines } = recordingLogger();
  const peers = new Peers({
    self: { nodeId: "self", grpcAddress: "self" },
    registry: create(),
    connect: (address) => fakes.get(address) as FakePeer,
  });
  const replication = new Replication({
    log: core.log,
    intake: core.intake,
    revocations: core.revocations,
    links,
    peers,
    maxBytes: 1e9,
    times: { ...TIMES, ...times },
    clock,
    logger,
    metrics,
  });
  await peers.known;
  /** A peer's log is as old as any, if nothing else is said. */
  const addPeer = async (nodeId: string, ageMs = OLD_MS, state: NodeState = "ready") => {
    const peer = new FakePeer();
    peer.stage.clock.advance(ageMs);
    fakes.set(nodeId, peer);
    const record = { nodeId, grpcAddress: nodeId, state, zone: "", version: "", startedAt: "" };
    await create().register(record).registered;
    await Promise.resolve();
    return peer;
  };
  const attach = (manager: FakeManager) => {
    const link = new ManagerLink({
      nodeId: "self",
      version: "",
      intake: core.intake,
      clock,
      logger,
      onAttached: (attached) => links.attachedAs(attached),
      stream: { send: () => {}, end: () => {} },
    });
    links.add(link);
    link.receive(manager.helloBytes());
    return link;
  };
  const readsOf = (result: string) => stage.metric("connect_node_peer_reads_total", { result });
  const messages = () => lines.map(({ level, msg, peer, step }) => [level, msg, peer ?? step]);
  return { stage, core, clock, links, replication, addPeer, attach, readsOf, messages };
}

/** Time goes by, and what is due in it is done in time. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  const STEP_MS = 10_000;
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    clock.advance(STEP_MS);
    await settled();
  }
}

/** Until what awaits promises has gone as far as it can. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
}

/** Whether a promise has resolved. */
function follow(promise: Promise<void>): { done: boolean } {
  const state = { done: false };
  void promise.then(() => {
    state.done = true;
  });
  return state;
}

describe("copying before a node is ready", () => {
  test("reads one peer whose log is old enough for every client, and no other", async () => {
    const { core, replication, addPeer } = await setUp();
    const peers = [await addPeer("one"), await addPeer("two")];
    for (const { stage } of peers) stage.push({}, {});
    await replication.copy();
    expect(core.intake.head(EPOCH_A)).toBe(2);
    expect(peers.map(({ requests }) => requests.length).sort()).toEqual([0, 1]);
  });

  test("goes on to the next peer where a log is young", async () => {
    const { core, replication, addPeer } = await setUp();
    const peers = [await addPeer("one", OLD_MS - 1), await addPeer("two", OLD_MS - 1)];
    peers[0]?.stage.push({});
    peers[1]?.stage.push({}, {});
    await replication.copy();
    expect(core.intake.head(EPOCH_A)).toBe(2);
    expect(peers.map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  test("tries a peer again whose answer broke off, from where it did", async () => {
    const { core, replication, addPeer, readsOf } = await setUp();
    const peer = await addPeer("one");
    peer.stage.push({}, {}, {}, {});
    // The table and one publication, each time.
    peer.breaksAfter = 2;
    await replication.copy();
    expect(core.intake.head(EPOCH_A)).toBe(4);
    expect(peer.requests.map(({ after }) => after)).toEqual([
      [],
      [{ epoch: EPOCH_A, seq: 1n }],
      [{ epoch: EPOCH_A, seq: 2n }],
      [{ epoch: EPOCH_A, seq: 3n }],
    ]);
    expect(await readsOf("failed")).toBe(3);
    expect(await readsOf("done")).toBe(1);
  });

  test("does not try a peer again that gave nothing", async () => {
    const { replication, addPeer } = await setUp();
    const peer = await addPeer("one");
    peer.breaksAfter = 0;
    await replication.copy();
    expect(peer.requests).toHaveLength(1);
  });

  test("ends after WARM_SECONDS and says so", async () => {
    const { replication, clock, addPeer, messages } = await setUp();
    const peer = await addPeer("frozen");
    peer.isFrozen = true;
    const copying = follow(replication.copy());
    await settled();
    clock.advance(TIMES.warmMs - 1);
    await settled();
    expect(copying.done).toBe(false);
    clock.advance(1);
    await settled();
    expect(copying.done).toBe(true);
    expect(messages()).toEqual([
      ["warn", "WARM_SECONDS ended a step of the start", "reading a peer's log"],
      ["warn", "a peer was not read", "frozen"],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("is nothing where nobody is there, or only nodes that start", async () => {
    const { replication, addPeer } = await setUp();
    await replication.copy();
    const peer = await addPeer("one", OLD_MS, "starting");
    await replication.copy();
    expect(peer.requests).toEqual([]);
  });

  test("is left out where WARM_SECONDS is 0", async () => {
    const { replication, addPeer, core, clock } = await setUp({ warmMs: 0 });
    const peer = await addPeer("one");
    clock.advance(5_000);
    await replication.copy();
    await replication.settle();
    expect(peer.requests).toEqual([]);
    expect(core.log.ageMs(clock.monotonicMs())).toBe(0);
  });
});

describe("settling before a node is ready", () => {
  test("waits for the managers that were live at the peer, and for what they had", async () => {
    const { replication, addPeer, attach, clock } = await setUp();
    const peer = await addPeer("one");
    peer.stage.push({});
    await replication.copy();
    const settling = follow(replication.settle());
    await settled();
    const manager = new FakeManager(EPOCH_A, 3);
    const link = attach(manager);
    clock.advance(1_000);
    await settled();
    expect(settling.done).toBe(false);
    const behind = new FakeManager(EPOCH_A, 1);
    link.receive(behind.bytes({}, {}));
    clock.advance(1_000);
    await settled();
    expect(settling.done).toBe(true);
    link.ended();
    expect(clock.pendingTimers).toBe(0);
  });

  test("waits no longer than WARM_SECONDS, and reads the peers once more then", async () => {
    const { replication, addPeer, clock, core, messages } = await setUp();
    const peer = await addPeer("one");
    peer.stage.push({});
    await replication.copy();
    const settling = follow(replication.settle());
    await settled();
    // Given to the peer while this node had no link yet; its manager is gone now.
    peer.stage.push({});
    clock.advance(TIMES.warmMs);
    await settled();
    expect(settling.done).toBe(true);
    expect(core.intake.head(EPOCH_A)).toBe(2);
    expect(messages()).toContainEqual([
      "warn",
      "WARM_SECONDS ended a step of the start",
      "waiting for the managers",
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("reads every peer: what a manager that died gave to one of them only", async () => {
    const { replication, addPeer, core } = await setUp();
    const peers = [await addPeer("one"), await addPeer("two")];
    for (const { stage } of peers) stage.core.intake.detach(EPOCH_A);
    await replication.copy();
    for (const peer of peers) if (peer.requests.length === 0) peer.stage.push({}, {});
    await replication.settle();
    expect(core.intake.head(EPOCH_A)).toBe(2);
  });

  describe("gives the log an age", () => {
    test("that of the oldest peer that was read to its end", async () => {
      const { replication, addPeer, core, clock } = await setUp();
      const peers = [await addPeer("one", 5_000), await addPeer("two", 70_000)];
      for (const { stage } of peers) stage.core.intake.detach(EPOCH_A);
      await replication.copy();
      await replication.settle();
      expect(core.log.ageMs(clock.monotonicMs())).toBe(70_000);
    });

    test("none where nobody was there: the time that the start took is not counted", async () => {
      const { replication, core, clock } = await setUp();
      await replication.copy();
      // etcd is away: no manager could give anything to this node.
      clock.advance(3_600_000);
      await replication.settle();
      expect(core.log.ageMs(clock.monotonicMs())).toBe(0);
    });

    test("that of the peer also after a start that took longer than LOG_SECONDS", async () => {
      const { replication, addPeer, core, clock } = await setUp();
      await replication.copy();
      clock.advance(2 * TIMES.logMs);
      const peer = await addPeer("one", 70_000);
      peer.stage.core.intake.detach(EPOCH_A);
      await replication.settle();
      replication.start();
      await pass(clock, TIMES.reattachMs);
      expect(core.log.ageMs(clock.monotonicMs())).toBe(70_000 + TIMES.reattachMs);
      replication.stop();
    });

    test("none where the peer that was copied is gone by now", async () => {
      const { replication, addPeer, core, clock } = await setUp();
      const peer = await addPeer("one");
      peer.stage.core.intake.detach(EPOCH_A);
      await replication.copy();
      peer.breaksAfter = 0;
      await replication.settle();
      expect(core.log.ageMs(clock.monotonicMs())).toBe(0);
    });
  });
});

describe("rounds", () => {
  async function started(times: Partial<ReplicationTimes> = {}) {
    const parts = await setUp(times);
    parts.replication.start();
    const round = async () => {
      parts.clock.advance({ ...TIMES, ...times }.reattachMs);
      await settled();
    };
    return { ...parts, round };
  }

  test("read every peer each REATTACH_SECONDS, and bring what it has beyond this node's head", async () => {
    const { core, clock, addPeer, round } = await started();
    const [one, two] = [await addPeer("one"), await addPeer("two")];
    clock.advance(TIMES.reattachMs - 1);
    await settled();
    expect(one.requests).toEqual([]);
    clock.advance(1);
    await settled();
    expect([one.requests.length, two.requests.length]).toEqual([1, 1]);
    two.stage.push({}, {});
    await round();
    expect(core.intake.head(EPOCH_A)).toBe(2);
    two.stage.push({});
    await round();
    expect(core.intake.head(EPOCH_A)).toBe(3);
  });

  test("ask every peer for an epoch that is live at each, also in the same round", async () => {
    const { core, addPeer, round } = await started();
    const [one, two] = [await addPeer("one"), await addPeer("two")];
    for (const pushes of [1, 2, 3]) {
      two.stage.push({});
      await round();
      expect(core.intake.head(EPOCH_A)).toBe(pushes);
    }
    expect(one.requests.length).toBe(3);
  });

  test("want nothing of an epoch that has a link here", async () => {
    const { addPeer, attach, round } = await started();
    const peer = await addPeer("one");
    peer.stage.push({});
    const link = attach(new FakeManager(EPOCH_A));
    await round();
    expect(peer.asked).toEqual({ [EPOCH_A]: WANTS_NOTHING });
    link.ended();
  });

  test("leave a link that ended just now to come back: it brings commands, too", async () => {
    const { addPeer, attach, links, clock, round, core } = await started();
    const peer = await addPeer("one");
    peer.stage.push({});
    const link = attach(new FakeManager(EPOCH_A));
    clock.advance(TIMES.reattachMs - 1_000);
    links.remove(link);
    clock.advance(1_000);
    await settled();
    expect(peer.asked).toEqual({ [EPOCH_A]: WANTS_NOTHING });
    await round();
    expect(peer.asked).toEqual({ [EPOCH_A]: 0 });
    expect(core.intake.head(EPOCH_A)).toBe(1);
  });

  test("do not overlap, and go on after a peer that was frozen", async () => {
    const { addPeer, round } = await started();
    const peer = await addPeer("one");
    peer.isFrozen = true;
    await round();
    await round();
    expect(peer.requests).toHaveLength(1);
    peer.isFrozen = false;
    // As a real connection does after some silence.
    peer.close();
    await settled();
    await round();
    expect(peer.requests).toHaveLength(2);
  });

  test("warn once of a peer that cannot be read, and say when it is read again", async () => {
    const { addPeer, round, messages, readsOf } = await started();
    const peer = await addPeer("one");
    peer.breaksAfter = 0;
    for (let rounds = 0; rounds < 3; rounds += 1) await round();
    peer.breaksAfter = undefined;
    await round();
    peer.breaksAfter = 0;
    await round();
    expect(messages().filter(([level]) => level !== "debug")).toEqual([
      ["warn", "a peer was not read", "one"],
      ["info", "a peer is read again", "one"],
      ["warn", "a peer was not read", "one"],
    ]);
    expect(await readsOf("failed")).toBe(4);
  });

  test("are heard, where a peer was read or nobody is there, and no sooner", async () => {
    const { stage, clock, replication, addPeer } = await setUp();
    const saidGaps = () => stage.metric("connect_node_gaps_total", { reason: "silence" });
    replication.start();
    await pass(clock, 2 * TIMES.logMs);
    expect(await saidGaps()).toBe(0);
    const peer = await addPeer("peer");
    peer.breaksAfter = 0;
    await pass(clock, 2 * TIMES.logMs);
    expect(await saidGaps()).toBe(0);
    peer.breaksAfter = undefined;
    await pass(clock, 2 * TIMES.logMs);
    expect(await saidGaps()).toBe(1);
    replication.stop();
  });

  test("come in time also where REATTACH_SECONDS is longer than peers remember", async () => {
    const { stage, clock, replication, addPeer } = await setUp({ reattachMs: 3_600_000 });
    await addPeer("peer");
    replication.start();
    await pass(clock, 3 * TIMES.logMs);
    expect(await stage.metric("connect_node_gaps_total", { reason: "silence" })).toBe(0);
    replication.stop();
  });

  test("deliver what came to the sessions that are open", async () => {
    const { stage, addPeer, round } = await started();
    const peer = await addPeer("one");
    const client = stage.open("ann");
    client.news();
    const b = new FakeManager(EPOCH_B);
    peer.stage.core.intake.attach(EPOCH_B, 0);
    peer.stage.pushFrom(b, { text: "b1" }, { text: "b2" });
    await round();
    await stage.settle();
    expect(client.texts()).toEqual(["b1", "b2"]);
    expect(await stage.metric("connect_node_copied_publications_total", {})).toBe(2);
  });
});

describe("a stop", () => {
  test("breaks off a copy", async () => {
    const { replication, addPeer, clock, messages } = await setUp();
    const peer = await addPeer("one");
    peer.isFrozen = true;
    const copying = follow(replication.copy());
    await settled();
    replication.stop();
    await settled();
    expect(copying.done).toBe(true);
    expect(peer.closed).toBeGreaterThan(0);
    // It is no fault of the peer's.
    expect(messages()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("ends the wait for managers, and the rounds do not begin", async () => {
    const { replication, addPeer, clock } = await setUp();
    const peer = await addPeer("one");
    await replication.copy();
    const settling = follow(replication.settle());
    await settled();
    replication.stop();
    clock.advance(100);
    await settled();
    expect(settling.done).toBe(true);
    replication.start();
    expect(clock.pendingTimers).toBe(0);
    expect(peer.requests).toHaveLength(1);
  });

  test("ends the rounds, also one that is under way", async () => {
    const { replication, addPeer, clock } = await setUp();
    const [one, two] = [await addPeer("one"), await addPeer("two")];
    for (const peer of [one, two]) peer.isFrozen = true;
    replication.start();
    clock.advance(TIMES.reattachMs);
    await settled();
    replication.stop();
    clock.advance(10 * TIMES.reattachMs);
    await settled();
    expect(one.requests.length + two.requests.length).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });
});
