import { describe, expect, test } from "vitest";
import { FakeManager } from "../test/fake-manager.ts";
import { EPOCH_A, EPOCH_B, Stage } from "../test/stage.ts";
import { DeliverError } from "./deliver-message.ts";
import { readLog } from "./log-reader.ts";
import { PeerCopy } from "./peer-copy.ts";
import { type PeerEpoch, ReplicateError, type ReplicateMessage } from "./replicate-message.ts";

const MAX_GONE_MS = 450_000;

function begin(stage: Stage): PeerCopy {
  return new PeerCopy({
    log: stage.core.log,
    intake: stage.core.intake,
    after: stage.core.log.epochs.heads(),
    nowMs: stage.clock.monotonicMs(),
    maxGoneMs: MAX_GONE_MS,
  });
}

function stateOf(stage: Stage, epoch = EPOCH_B) {
  return stage.core.log.epochs.get(epoch);
}

function table(changes: Partial<PeerEpoch> = {}): PeerEpoch {
  const state = { epoch: EPOCH_B, tailSeq: 0, headSeq: 0, holes: [], live: false, goneMs: 0 };
  return { ...state, ...changes };
}

function message(
  epochs: readonly PeerEpoch[],
  publications: readonly Uint8Array[] = [],
  done = false,
): ReplicateMessage {
  return { epochs, publications, done, logAgeMs: 60_000 };
}

/** What a manager without a link here gave to the peer. */
class FarManager extends FakeManager {
  constructor() {
    super(EPOCH_B);
  }

  encodeAll(count: number): Uint8Array[] {
    return Array.from({ length: count }, () => this.encode({}));
  }
}

test("a whole log is taken over: publications in order, heads, age, and which epochs are live", async () => {
  const peer = new Stage();
  const b = new FarManager();
  peer.core.intake.attach(EPOCH_B, 0);
  peer.pushFrom(b, { text: "b1" }, { text: "b2" }, { text: "now", ephemeral: true });
  peer.clock.advance(5_000);
  const stage = new Stage();
  const client = stage.open("ann");
  client.news();
  const copy = begin(stage);
  for (const part of readLog(peer.core.log, { after: new Map(), maxBytes: 1e9 }, () =>
    peer.clock.monotonicMs(),
  )) {
    copy.take(part);
  }
  await stage.settle();
  expect(client.texts()).toEqual(["b1", "b2"]);
  expect(stateOf(stage)).toMatchObject({ tail: 0, head: 3, holes: [] });
  expect(copy).toMatchObject({ done: true, logAgeMs: 5_000, publications: 2 });
  // The manager of epoch A has a link here: that brings what follows.
  expect([...copy.live]).toEqual([EPOCH_B]);
});

test("where an answer breaks off, the head is that of the last publication that came", () => {
  const stage = new Stage();
  const copy = begin(stage);
  const b = new FarManager();
  copy.take(message([table({ headSeq: 9 })]));
  expect(stateOf(stage)).toMatchObject({ tail: 0, head: 0 });
  copy.take(message([table({ headSeq: 9 })], b.encodeAll(2)));
  expect(stateOf(stage)).toMatchObject({ tail: 0, head: 2, holes: [] });
  expect(copy.done).toBe(false);
});

test("the table's heads count at the end", () => {
  const stage = new Stage();
  const copy = begin(stage);
  copy.take(message([table({ headSeq: 9 })], new FarManager().encodeAll(2)));
  copy.take(message([table({ headSeq: 12 })], [], true));
  expect(stateOf(stage)).toMatchObject({ tail: 0, head: 12, holes: [] });
});

describe("the peer's tails and holes are this node's, too", () => {
  test("a new epoch begins at the peer's tail", () => {
    const stage = new Stage();
    begin(stage).take(message([table({ tailSeq: 4, headSeq: 9 })], [], true));
    expect(stateOf(stage)).toMatchObject({ tail: 4, head: 9, holes: [] });
  });

  test("a tail that has grown beyond the head is a hole", () => {
    const stage = new Stage();
    const copy = begin(stage);
    const b = new FarManager();
    copy.take(message([table({ headSeq: 9 })], b.encodeAll(2)));
    b.skip(3);
    copy.take(message([table({ tailSeq: 5, headSeq: 9 })], b.encodeAll(1)));
    expect(stateOf(stage)).toMatchObject({ tail: 0, head: 6, holes: [{ after: 2, through: 5 }] });
  });

  test("a hole counts when a publication behind it comes, or the end, and not before", () => {
    const stage = new Stage();
    const copy = begin(stage);
    const b = new FarManager();
    const holes = [
      { after: 1, through: 3 },
      { after: 5, through: 7 },
    ];
    copy.take(message([table({ headSeq: 9, holes })], b.encodeAll(1)));
    expect(stateOf(stage)).toMatchObject({ head: 1, holes: [] });
    b.skip(2);
    copy.take(message([table({ headSeq: 9, holes })], b.encodeAll(1)));
    expect(stateOf(stage)).toMatchObject({ head: 4, holes: holes.slice(0, 1) });
    copy.take(message([table({ headSeq: 9, holes })], [], true));
    expect(stateOf(stage)).toMatchObject({ head: 9, holes });
  });

  test("a node takes over what its peer lacks, together with what it has", async () => {
    const stage = new Stage();
    const before = stage.open("ann");
    before.news();
    begin(stage).take(
      message([table({ headSeq: 9, holes: [{ after: 1, through: 3 }] })], [], true),
    );
    const after = stage.open("bob");
    await stage.settle();
    const gap = { type: "gap", scope: "all", position: { [EPOCH_A]: 0, [EPOCH_B]: 3 } };
    expect(
      before.news().map((frame) => JSON.parse(JSON.stringify(frame, replacePosition))),
    ).toMatchObject([gap]);
    expect(after.frames.map(({ type }) => type)).toEqual(["welcome"]);
  });

  function replacePosition(_: string, value: unknown): unknown {
    return value instanceof Map ? Object.fromEntries(value) : value;
  }
});

describe("an epoch that has a link here", () => {
  test("is not copied, not even its head", () => {
    const stage = new Stage();
    stage.push({});
    const copy = begin(stage);
    const a = new FakeManager(EPOCH_A, 5);
    copy.take(message([table({ epoch: EPOCH_A, headSeq: 9 })], [a.encode({})], true));
    expect(stateOf(stage, EPOCH_A)).toMatchObject({ head: 1, holes: [] });
    expect(stage.core.log.end).toBe(1);
  });

  test("is not gone on with when it attaches and detaches in the middle: a hole would be silent", () => {
    const stage = new Stage();
    const copy = begin(stage);
    const b = new FarManager();
    copy.take(message([table({ headSeq: 9 })], b.encodeAll(2)));
    stage.core.intake.attach(EPOCH_B, 0);
    copy.take(message([table({ headSeq: 9 })], b.encodeAll(2)));
    stage.core.intake.detach(EPOCH_B);
    copy.take(message([table({ headSeq: 9 })], b.encodeAll(2)));
    copy.take(message([table({ headSeq: 9 })], [], true));
    expect(stateOf(stage)).toMatchObject({ head: 2, holes: [] });
  });

  test("is gone on with when the link came and went between two messages", () => {
    const stage = new Stage();
    const copy = begin(stage);
    const b = new FarManager();
    copy.take(message([table({ headSeq: 9 })], b.encodeAll(1)));
    const [second, third, fourth] = b.encodeAll(3) as [Uint8Array, Uint8Array, Uint8Array];
    const live = new FakeManager(EPOCH_B, 1);
    stage.core.intake.attach(EPOCH_B, 0);
    stage.pushFrom(live, {}, {});
    stage.core.intake.detach(EPOCH_B);
    copy.take(message([table({ headSeq: 9 })], [second, third, fourth], true));
    expect(stateOf(stage)).toMatchObject({ tail: 0, head: 9, holes: [] });
    const seqs = [0, 1, 2, 3].map((at) => stage.core.log.at(at)?.publication.seq);
    expect(seqs).toEqual([1, 2, 3, 4]);
    expect(stage.core.log.end).toBe(4);
  });
});

describe("an epoch that this node does not know", () => {
  test("is not begun when its manager has been gone for too long", () => {
    const stage = new Stage();
    const publications = new FarManager().encodeAll(2);
    begin(stage).take(
      message([table({ headSeq: 9, goneMs: MAX_GONE_MS + 1 })], publications, true),
    );
    expect(stateOf(stage)).toBeUndefined();
    expect(stage.core.log.end).toBe(0);
  });

  test("is begun up to then, and forgotten when the peer forgets it", () => {
    const stage = new Stage({ LOG_SECONDS: 300 });
    begin(stage).take(message([table({ headSeq: 9, goneMs: MAX_GONE_MS })], [], true));
    stage.clock.advance(600_000 - MAX_GONE_MS);
    stage.core.housekeep();
    expect(stateOf(stage)).toBeDefined();
    stage.clock.advance(1);
    stage.core.housekeep();
    expect(stateOf(stage)).toBeUndefined();
  });

  test("is not begun when it was forgotten here since the peer was asked for what follows", () => {
    const stage = new Stage();
    const copy = new PeerCopy({
      log: stage.core.log,
      intake: stage.core.intake,
      after: new Map([[EPOCH_B, 7]]),
      nowMs: 0,
      maxGoneMs: MAX_GONE_MS,
    });
    const b = new FakeManager(EPOCH_B, 7);
    copy.take(message([table({ headSeq: 8 })], [b.encode({})], true));
    expect(stateOf(stage)).toBeUndefined();
  });
});

describe("how long an epoch has been gone", () => {
  test("is the least that this node and the peer know", () => {
    const stage = new Stage();
    stage.core.intake.attach(EPOCH_B, 0);
    stage.core.intake.detach(EPOCH_B);
    stage.clock.advance(10_000);
    begin(stage).take(message([table({ goneMs: 4_000 })], [], true));
    expect(stateOf(stage)?.goneAtMs).toBe(6_000);
    begin(stage).take(message([table({ goneMs: 9_000 })], [], true));
    expect(stateOf(stage)?.goneAtMs).toBe(6_000);
    begin(stage).take(message([table({ live: true })], [], true));
    expect(stateOf(stage)?.goneAtMs).toBe(10_000);
  });

  test("is not put off by answers that take time: two nodes that read each other forget it", () => {
    const [one, other] = [new Stage(), new Stage()];
    for (const stage of [one, other]) {
      stage.core.intake.attach(EPOCH_B, 0);
      stage.core.intake.detach(EPOCH_B);
    }
    const advance = (ms: number) => {
      for (const stage of [one, other]) stage.clock.advance(ms);
    };
    for (let round = 0; round < 10; round += 1) {
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        const copy = begin(to);
        advance(100);
        const nowMs = () => from.clock.monotonicMs();
        const answer = [...readLog(from.core.log, { after: new Map(), maxBytes: 1e9 }, nowMs)];
        advance(100);
        for (const part of answer) copy.take(part);
      }
    }
    for (const stage of [one, other]) expect(stateOf(stage)?.goneAtMs).toBe(0);
  });
});

describe("a copied publication", () => {
  test("is not counted as received", async () => {
    const stage = new Stage();
    stage.open("ann");
    begin(stage).take(message([table({ headSeq: 2 })], new FarManager().encodeAll(2), true));
    for (const has_users of ["true", "false"]) {
      expect(await stage.metric("connect_node_push_received_total", { has_users })).toBe(0);
    }
  });

  test("with a key that is known is dropped, and one that is new makes its key known", async () => {
    const stage = new Stage();
    const client = stage.open("ann");
    client.news();
    stage.push({ text: "first", idempotencyKey: "k" });
    const b = new FarManager();
    const publications = [
      b.encode({ text: "again", idempotencyKey: "k" }),
      b.encode({ text: "second", idempotencyKey: "l" }),
    ];
    begin(stage).take(message([table({ headSeq: 2 })], publications, true));
    expect(stage.push({ text: "again", idempotencyKey: "l" })).toEqual([
      { seq: 2, delivered: 1, lagging: 0, duplicate: true },
    ]);
    await stage.settle();
    expect(client.texts()).toEqual(["first", "second"]);
    expect(stateOf(stage)).toMatchObject({ head: 2, holes: [] });
  });

  test("that is a command is carried out when its manager's link comes back and brings it again", async () => {
    const stage = new Stage();
    const { intake } = stage.core;
    const before = stage.open("ann");
    stage.clock.advance(1_000);
    const b = new FarManager();
    b.atMs = stage.clock.now();
    const value = { userId: "ann", roomId: "r" };
    const bytes = [
      b.encode({ text: "first" }),
      b.encode({ command: { kind: { $case: "join", value } } }),
      b.encode({ text: "last" }),
    ];
    intake.attach(EPOCH_B, 0);
    intake.detach(EPOCH_B);
    begin(stage).take(message([table({ headSeq: 3, live: true })], bytes, true));
    stage.clock.advance(1_000);
    const after = stage.open("ann");
    expect(before.session.rooms.size).toBe(0);

    expect(intake.attach(EPOCH_B, 0)).toBe(1);
    const bring = () =>
      intake.take(
        EPOCH_B,
        {
          hello: undefined,
          afterSeq: 1,
          throughSeq: 3,
          publications: bytes.slice(1),
          final: false,
        },
        3,
      );
    expect(bring()).toEqual([{ seq: 2, delivered: 1, lagging: 0, duplicate: false }]);
    expect([...before.session.rooms.keys()]).toEqual(["r"]);
    expect(after.session.rooms.size).toBe(0);
    // Once, and what was a push came with the copy.
    expect(bring()).toEqual([]);
    await stage.settle();
    expect(before.messages).toEqual(["first", "last"]);
    intake.detach(EPOCH_B);
    expect(intake.attach(EPOCH_B, 0)).toBe(3);
  });

  test("that is a command is not asked for again by a node without sessions", () => {
    const stage = new Stage();
    const b = new FarManager();
    const value = { userId: "ann", roomId: "r" };
    const bytes = [b.encode({ command: { kind: { $case: "join", value } } })];
    begin(stage).take(message([table({ headSeq: 1, live: true })], bytes, true));
    expect(stage.core.intake.attach(EPOCH_B, 0)).toBe(1);
  });

  test("that is a command is kept for other nodes, and not carried out", async () => {
    const stage = new Stage();
    const client = stage.open("ann");
    const value = { userId: "ann", code: 4410, reason: "", revokeIssuedBeforeMs: 0n };
    const disconnect = new FarManager().encode({
      command: { kind: { $case: "disconnect", value } },
    });
    begin(stage).take(message([table({ headSeq: 1 })], [disconnect], true));
    await stage.settle();
    expect(client.socket.closed).toBeUndefined();
    expect(stage.core.log.at(0)?.publication.command?.kind?.$case).toBe("disconnect");
    expect(stateOf(stage)?.head).toBe(1);
  });

  test.each([
    ["is ephemeral", { ephemeral: true }],
    ["would break a frame", { atMs: -1 }],
  ])("that %s is skipped and counted as invalid", async (_, push) => {
    const stage = new Stage();
    const client = stage.open("ann");
    client.news();
    const b = new FarManager();
    const publications = [b.encode(push), b.encode({ text: "next" })];
    begin(stage).take(message([table({ headSeq: 2 })], publications, true));
    await stage.settle();
    expect(client.texts()).toEqual(["next"]);
    expect(stage.core.log.end).toBe(1);
    expect(stateOf(stage)?.head).toBe(2);
    expect(await stage.metric("connect_node_invalid_publications_total", {})).toBe(1);
  });

  test("that this node has already is dropped", () => {
    const stage = new Stage();
    const publications = new FarManager().encodeAll(2);
    begin(stage).take(message([table({ headSeq: 2 })], publications));
    begin(stage).take(message([table({ headSeq: 2 })], publications, true));
    expect(stage.core.log.end).toBe(2);
  });
});

describe("an answer that is wrong ends the copy where it stands", () => {
  test("a publication of an epoch that the table does not have", () => {
    const stage = new Stage();
    const take = () => begin(stage).take(message([], new FarManager().encodeAll(1), true));
    expect(take).toThrow(ReplicateError);
    expect(stateOf(stage)).toBeUndefined();
  });

  test("bytes that are no publication", () => {
    const stage = new Stage();
    const publications = [...new FarManager().encodeAll(1), Buffer.from("HTTP/1.1 400")];
    const copy = begin(stage);
    expect(() => copy.take(message([table({ headSeq: 9 })], publications, true))).toThrow(
      DeliverError,
    );
    expect(stateOf(stage)).toMatchObject({ head: 1, holes: [] });
    expect(copy.done).toBe(false);
  });
});
