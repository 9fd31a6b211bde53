import type { DeliverResponse } from "@pushcast/api";
import { Publication as PublicationCodec } from "@pushcast/api";
import { describe, expect, test } from "vitest";
import { FakeManager, requestBytes } from "../test/fake-manager.ts";
import { EPOCH_A, EPOCH_B, Stage, silentLogger } from "../test/stage.ts";
import { ManagerLink, type ManagerStream } from "./manager-link.ts";
import { ManagerLinks } from "./manager-links.ts";

/** A manager's end of a stream. */
class FakeStream implements ManagerStream {
  readonly responses: DeliverResponse[] = [];
  /** Undefined while it is open; then what went wrong, or an empty text. */
  ended: string | undefined;

  send(response: DeliverResponse): void {
    if (this.ended !== undefined) throw new Error("a response on a stream that has ended");
    this.responses.push(response);
  }

  end(problem = ""): void {
    this.ended = problem;
  }

  /** The acknowledgements since the last call. */
  acks(): { throughSeq: number; outcomes: number[][]; closing?: true }[] {
    return this.responses.splice(0).map(({ throughSeq, outcomes, closing }) => ({
      throughSeq: Number(throughSeq),
      outcomes: outcomes.map((o) => [Number(o.seq), o.sessionsDelivered, o.sessionsLagging]),
      ...(closing ? { closing } : {}),
    }));
  }
}

class LinkStage extends Stage {
  readonly links = new ManagerLinks(this.core.intake);

  openLink(): { link: ManagerLink; stream: FakeStream } {
    const stream = new FakeStream();
    const link = new ManagerLink({
      nodeId: "node-1",
      version: "1.2.3",
      stream,
      intake: this.core.intake,
      clock: this.clock,
      logger: silentLogger,
      onAttached: (attached) => this.links.attachedAs(attached),
    });
    this.links.add(link);
    return { link, stream };
  }

  /** A link whose hellos are done. */
  attach(manager: FakeManager, tailSeq = 0) {
    const opened = this.openLink();
    opened.link.receive(manager.helloBytes(tailSeq));
    opened.stream.responses.splice(0);
    return opened;
  }
}

describe("the hello", () => {
  test("for another node is refused, and leaves the manager's link to this one alone", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const meant = stage.attach(manager);
    const astray = stage.openLink();
    astray.link.receive(manager.helloBytes(0, 0, "node-2"));
    expect(astray.stream.ended).toBe("this is node node-1, not node-2");
    expect(astray.stream.responses).toEqual([]);
    expect(meant.stream.ended).toBeUndefined();
    meant.link.receive(manager.helloBytes(0, 0, "node-1"));
    expect(meant.stream.ended).toBeUndefined();
  });

  test("of an unknown epoch is answered so that the manager goes on from its tail", () => {
    const stage = new LinkStage();
    const { link, stream } = stage.openLink();
    expect(link.epoch).toBeUndefined();
    link.receive(new FakeManager(EPOCH_B, 5).helloBytes());
    expect(stream.responses).toEqual([
      {
        hello: { nodeId: "node-1", version: "1.2.3", haveSeq: 0n, knowsEpoch: false },
        throughSeq: 0n,
        outcomes: [],
        closing: false,
      },
    ]);
    expect(stage.links.attached).toBe(1);
  });

  test("of an unknown epoch whose tail is above 0 gives every open session one gap", () => {
    const stage = new LinkStage();
    const clients = [stage.open("a", { rooms: ["r", "s"] }), stage.open("b", { resumes: true })];
    for (const client of clients) client.news();
    stage.attach(new FakeManager(EPOCH_B, 9), 4);
    for (const client of clients) {
      expect(client.news()).toEqual([
        {
          type: "gap",
          scope: "all",
          position: new Map([
            [EPOCH_A, 0],
            [EPOCH_B, 4],
          ]),
        },
      ]);
    }
    expect(stage.open("late").texts()).toEqual(["<welcome>"]);
  });

  test("of a known epoch is answered by what the node has", () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const first = stage.attach(manager);
    first.link.receive(manager.bytes({}, {}, {}));
    stage.links.remove(first.link);
    const { link, stream } = stage.openLink();
    link.receive(manager.helloBytes());
    expect(stream.responses[0]?.hello).toMatchObject({ haveSeq: 3n, knowsEpoch: true });
  });

  test.each([
    ["no hello", requestBytes({ afterSeq: 0, throughSeq: 1 })],
    ["an epoch that is none", new FakeManager("ABC").helloBytes()],
    ["a tail beyond its head", new FakeManager(EPOCH_B, 3).helloBytes(4)],
    ["bytes that are no DeliverRequest", Buffer.from([0xff, 0xff, 0xff])],
  ])("that is %s ends the stream", (_, bytes) => {
    const stage = new LinkStage();
    const { link, stream } = stage.openLink();
    link.receive(bytes);
    expect(stream.ended).toMatch(/./);
    expect(stream.responses).toEqual([]);
    expect(stage.core.log.epochs.size).toBe(1);
  });
});

describe("an acknowledgement", () => {
  test("is sent once a turn, for all that came in it, with the counts of those that matched", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    stage.open("a", { rooms: ["r"] });
    link.receive(manager.bytes({ roomId: "r" }, { roomId: "empty" }));
    link.receive(manager.bytes({ userIds: ["a"] }));
    expect(stream.acks()).toEqual([]);
    await stage.turn();
    expect(stream.acks()).toEqual([
      {
        throughSeq: 3,
        outcomes: [
          [1, 1, 0],
          [3, 1, 0],
        ],
      },
    ]);
    await stage.settle();
    expect(stream.acks()).toEqual([]);
  });

  test("comes after a repeat, too, without counts: they were told", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    const client = stage.open("a");
    const bytes = manager.bytes({ text: "1" });
    link.receive(bytes);
    await stage.turn();
    link.receive(bytes);
    await stage.settle();
    expect(stream.acks()).toEqual([
      { throughSeq: 1, outcomes: [[1, 1, 0]] },
      { throughSeq: 1, outcomes: [] },
    ]);
    expect(client.messages).toEqual(["1"]);
  });

  test("of a duplicate key says so", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    stage.push({ idempotencyKey: "k" });
    link.receive(manager.bytes({ idempotencyKey: "k" }));
    await stage.turn();
    expect(stream.responses[0]?.outcomes).toEqual([
      { seq: 1n, sessionsDelivered: 0, sessionsLagging: 0, duplicate: true },
    ]);
  });

  test("goes beyond a hole, which is recorded and said", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    const client = stage.open("a");
    link.receive(manager.bytes({ text: "1" }));
    manager.skip(3);
    link.receive(manager.bytes({ text: "5" }));
    await stage.settle();
    expect(stream.acks()).toMatchObject([{ throughSeq: 5 }]);
    expect(stage.core.log.epochs.get(EPOCH_B)?.holes).toEqual([{ after: 1, through: 4 }]);
    expect(client.texts()).toEqual(["<welcome>", "1", "<gap>", "5"]);
  });

  test("says what the link has brought, though a peer's log brought more", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const first = stage.attach(manager);
    first.link.receive(manager.bytes({}));
    stage.links.remove(first.link);
    stage.open("ann");
    const value = { userId: "ann", roomId: "r" };
    manager.atMs = stage.clock.now() + 1;
    const copied = manager.encode({ command: { kind: { $case: "join", value } } });
    stage.core.intake.takeCopied(stage.core.intake.readCopied(copied));

    const { link, stream } = stage.openLink();
    link.receive(manager.helloBytes());
    expect(stream.responses[0]?.hello).toMatchObject({ haveSeq: 1n });
    stage.clock.advance(1_000);
    expect(stream.responses.at(-1)?.throughSeq).toBe(1n);
    const publications = [PublicationCodec.decode(copied)];
    link.receive(requestBytes({ afterSeq: 1, throughSeq: 2, publications }));
    await stage.settle();
    expect(stream.responses.at(-1)).toMatchObject({
      throughSeq: 2n,
      outcomes: [{ seq: 2n, sessionsDelivered: 1 }],
    });
  });

  test("of final is sent also if nothing is new", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    link.receive(requestBytes({ final: true }));
    await stage.turn();
    expect(stream.acks()).toEqual([{ throughSeq: 0, outcomes: [] }]);
  });

  test("is not sent on a stream that has ended meanwhile", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    link.receive(manager.bytes({}));
    link.end();
    link.end("again");
    await stage.settle();
    expect(stream).toMatchObject({ ended: "", responses: [] });
  });
});

describe("a link that breaks the protocol", () => {
  test.each([
    ["bytes that are no DeliverRequest", () => Buffer.from([0x22, 0x7f, 0x00])],
    [
      "a publication of another epoch",
      () => requestBytesOf(new FakeManager(EPOCH_A), { throughSeq: 1 }),
    ],
    [
      "a publication beyond the message's range",
      () => requestBytesOf(new FakeManager(EPOCH_B, 6), { throughSeq: 1 }),
    ],
    ["a range that ends before it begins", () => requestBytes({ afterSeq: 3, throughSeq: 1 })],
    ["a range beyond 2^53", () => requestBytes({ afterSeq: 0, throughSeq: 2 ** 53 })],
  ])("by %s is ended, and the node lives on", async (_, bytes) => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    link.receive(bytes());
    expect(stream.ended).toMatch(/./);
    link.receive(manager.bytes({}));
    await stage.settle();
    expect(stream.responses).toEqual([]);
    expect(stage.core.intake.head(EPOCH_B)).toBe(0);
    const again = stage.attach(manager);
    expect(again.stream.ended).toBeUndefined();
  });

  function requestBytesOf(manager: FakeManager, range: { throughSeq: number }): Buffer {
    // Field 4, as a manager writes it.
    const publication = manager.encode({});
    const head = Buffer.from([(4 << 3) | 2, publication.byteLength]);
    return Buffer.concat([requestBytes(range), head, publication]);
  }
});

describe("heartbeats", () => {
  test("go to the manager each second, and one of the manager's is not acknowledged at once", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    stage.clock.advance(999);
    expect(stream.acks()).toEqual([]);
    stage.clock.advance(1);
    expect(stream.acks()).toEqual([{ throughSeq: 0, outcomes: [] }]);
    link.receive(requestBytes({ afterSeq: 0, throughSeq: 0 }));
    await stage.settle();
    expect(stream.acks()).toEqual([]);
  });

  test("missing for 3 s end the link, also one that never said hello", () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const [silent, mute, alive] = [
      stage.attach(manager),
      stage.openLink(),
      stage.attach(new FakeManager("00000000000000cc")),
    ];
    for (let second = 0; second < 5; second += 1) {
      alive.link.receive(requestBytes({ afterSeq: 0, throughSeq: 0 }));
      stage.clock.advance(1_000);
      const isOver = second >= 2;
      expect(silent.stream.ended).toBe(isOver ? "silent" : undefined);
      expect(mute.stream.ended).toBe(isOver ? "silent" : undefined);
    }
    expect(alive.stream.ended).toBeUndefined();
    expect(mute.stream.responses).toEqual([]);
  });

  test("stop with the link: no timer is left", () => {
    const stage = new LinkStage();
    const before = stage.clock.pendingTimers;
    const { link } = stage.attach(new FakeManager(EPOCH_B));
    expect(stage.clock.pendingTimers).toBe(before + 1);
    stage.links.remove(link);
    expect(stage.clock.pendingTimers).toBe(before);
  });
});

describe("the links of a node", () => {
  test("a newer stream of the same epoch replaces the older, and what that still brings is not heard", () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const older = stage.attach(manager);
    const newer = stage.attach(manager);
    expect(older.stream.ended).toMatch(/replaced/);
    expect(newer.stream.ended).toBeUndefined();
    const bytes = manager.bytes({});
    older.link.receive(bytes);
    expect(stage.core.intake.head(EPOCH_B)).toBe(0);
    newer.link.receive(bytes);
    expect(stage.core.intake.head(EPOCH_B)).toBe(1);
    expect(stage.links.attached).toBe(1);
    // The end of the older stream does not detach the epoch.
    stage.links.remove(older.link);
    expect(stage.core.log.epochs.get(EPOCH_B)?.goneAtMs).toBeUndefined();
    stage.links.remove(newer.link);
    expect(stage.core.log.epochs.get(EPOCH_B)?.goneAtMs).toBe(0);
    expect(stage.links.attached).toBe(0);
  });

  test("all are told that the node closes, with what they have not been told yet, also a late one", async () => {
    const stage = new LinkStage();
    const manager = new FakeManager(EPOCH_B);
    const { link, stream } = stage.attach(manager);
    stage.open("a");
    link.receive(manager.bytes({}));
    stage.links.closeAll();
    expect(stream.acks()).toEqual([{ throughSeq: 1, outcomes: [[1, 1, 0]], closing: true }]);
    const late = stage.openLink();
    late.link.receive(new FakeManager("00000000000000cc").helloBytes());
    await stage.settle();
    expect(
      late.stream.responses.map(({ hello, closing }) => [hello !== undefined, closing]),
    ).toEqual([
      [true, false],
      [false, true],
    ]);
    stage.links.endAll();
    expect([stream.ended, late.stream.ended]).toEqual(["", ""]);
    expect(stage.links.attached).toBe(0);
  });

  test("a node that closes says nothing to a manager that has not said hello", () => {
    const stage = new LinkStage();
    const { stream } = stage.openLink();
    stage.links.closeAll();
    expect(stream.responses).toEqual([]);
  });
});
