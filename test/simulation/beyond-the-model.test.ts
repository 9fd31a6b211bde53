/** What the model behind the rule of resuming did not cover, played with the real parts. */
import { afterEach, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import type { Node } from "./node.ts";
import { A, answers, B, contents, Scene, timesWritten } from "./scene.ts";

let scene: Scene;

afterEach(() => scene.cluster.loop.uninstall());

function given(settings?: ConstructorParameters<typeof Scene>[0]): Scene {
  scene = new Scene(settings);
  return scene;
}

const HOUR_MS = 3_600_000;
/** What one publication of these tests costs a node's log. */
const ENTRY_BYTES = 720;

function received(client: Client | undefined, room = "one"): string[] {
  return client?.rooms.get(room)?.received ?? [];
}

describe("a copy of a peer's log", () => {
  /** A starting node has read some of m's log, a message each 200 ms. */
  async function halfCopied(settings = {}) {
    const { cluster } = given({ replicateMs: () => 200, ...settings });
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs(6_000);
    const anna = await scene.client("anna", m, ["one"]);
    scene.away(anna);
    const missed = await scene.push(a, { room: "one" }, 12);
    const n = cluster.startNode("n");
    await cluster.until(() => n.core.intake.head(A) > 0, "some of it is copied");
    return { cluster, a, m, n, anna, missed };
  }

  test("that is torn midway is begun again with what it has, and lacks nothing", async () => {
    const { cluster, m, n, anna, missed } = await halfCopied();
    expect(n.core.intake.head(A)).toBeLessThan(12);
    cluster.network.cut(m.address, n.address);
    await cluster.until(() => n.isReady, "n is ready");
    expect(n.core.intake.head(A)).toBe(12);
    await scene.comeTo(anna, n);
    expect(answers(anna)).toEqual([true, true]);
    expect(received(anna)).toEqual(contents(missed));
    await scene.end();
  });

  test("whose peer dies midway recovers nobody of before, as long as the log is young", async () => {
    const { cluster, a, m, n, anna } = await halfCopied();
    a.kill();
    m.kill();
    await cluster.until(() => n.isReady, "n is ready");
    expect(n.core.intake.head(A)).toBeLessThan(12);
    await scene.comeTo(anna, n);
    expect(answers(anna)).toEqual([false, false]);
    await scene.end();
  });

  test("of a peer that evicts meanwhile has a hole where the evicted was", async () => {
    const { cluster, a, n, anna } = await halfCopied({ logBytes: 14 * ENTRY_BYTES });
    // N has some of the first; the next to be read are evicted before they are.
    await scene.push(a, { room: "one" }, 12);
    await cluster.until(() => n.isReady, "n is ready");
    const { tail = 0, head, holes = [] } = n.core.log.epochs.get(A) ?? {};
    expect(head).toBe(24);
    expect(Math.max(tail, ...holes.map(({ through }) => through))).toBeGreaterThan(3);
    await scene.comeTo(anna, n);
    expect(answers(anna)).toEqual([false, false]);
    const later = await scene.push(a, { room: "one" }, 2);
    await scene.moves(anna, n);
    expect(answers(anna).slice(2)).toEqual([true, true]);
    expect(received(anna)).toEqual(contents(later));
    await scene.end();
  });

  test("takes over a hole and a new epoch that appear at the peer meanwhile", async () => {
    const { cluster, a, m, n, anna } = await halfCopied({ managerLogBytes: 600 });
    const b = await scene.manager(B);
    await scene.push(b, { room: "one" }, 1);
    cluster.network.part(a.epoch, m.address);
    await scene.pass(50);
    cluster.network.cut(a.epoch, m.address);
    await scene.push(a, { room: "one" }, 30);
    cluster.network.part(a.epoch, m.address, false);
    await cluster.until(() => n.isReady, "n is ready");
    await scene.pass(2_000);
    for (const node of [m, n]) {
      const { holes = [], head } = node.core.log.epochs.get(A) ?? {};
      expect(head).toBe(42);
      expect(holes).toHaveLength(1);
      expect(node.core.intake.head(B)).toBe(1);
    }
    await scene.comeTo(anna, n);
    expect(answers(anna)).toEqual([false, false]);
    await scene.end();
  });

  test("in a later round says a gap to open sessions where the peer itself has a hole", async () => {
    const { cluster } = given({ managerLogBytes: 600 });
    const a = await scene.manager(A);
    const [m, n] = [await scene.node("m"), await scene.node("n")];
    await scene.ageLogs();
    const anna = await scene.client("anna", n, ["one"]);
    await scene.push(a, { room: "one" }, 2);
    cluster.network.part(a.epoch, n.address);
    await scene.pass(4_000);
    cluster.network.part(m.address, n.address);
    // What A pushes while it is cut off from M too is beyond its log as M attaches again.
    cluster.network.part(a.epoch, m.address);
    await scene.pass(4_000);
    await scene.push(a, { room: "one" }, 12);
    cluster.network.part(a.epoch, m.address, false);
    await scene.pass(1_500);
    expect(m.core.log.epochs.get(A)?.holes).toHaveLength(1);
    a.kill();
    cluster.network.part(m.address, n.address, false);
    await scene.frame(anna, "gap");
    await scene.pass(1_000);
    expect(n.core.log.epochs.get(A)?.holes).toEqual(m.core.log.epochs.get(A)?.holes);
    await scene.end();
  });

  test("neither carries out commands nor repeats what came by its key", async () => {
    const { cluster } = given();
    const [a, b] = [await scene.manager(A), await scene.manager(B)];
    const [m, n] = [await scene.node("m"), await scene.node("n")];
    await scene.ageLogs();
    const anna = await scene.client("anna", n);
    cluster.network.part(a.epoch, n.address);
    await scene.pass(4_000);
    a.command({ $case: "join", value: { userId: "anna", roomId: "one" } });
    const [retried] = await scene.push(a, { retried: true });
    await cluster.until(() => n.core.intake.head(B) === 1, "the retry has come by b");
    a.kill();
    await scene.pass(4_000);
    expect(m.core.intake.head(A)).toBe(2);
    expect(n.core.intake.head(A)).toBe(2);
    expect(b.isAlive).toBe(true);
    expect(anna.rooms.size).toBe(0);
    expect(anna.self.received).toEqual([retried?.content]);
    expect(timesWritten(anna, retried === undefined ? [] : [retried])).toEqual([1]);
    await scene.end();
  });
});

test("of two streams of one manager the newer one counts, and what comes late on the older is nobody's", async () => {
  const { cluster } = given();
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  await scene.push(a, { room: "one" }, 2);
  // The manager hears nothing, and gives the stream up; the last that it sent on it is on its way.
  cluster.network.freeze(m.address, a.epoch);
  await scene.pass(2_000);
  cluster.network.freeze(a.epoch, m.address);
  const late = await scene.push(a, { room: "one" }, 2);
  await cluster.until(() => m.core.intake.head(A) === 4, "the manager has attached anew");
  expect(m.links.attached).toBe(1);
  await scene.push(a, { room: "one" });
  cluster.network.heal();
  await scene.pass(20);
  expect(m.core.log.epochs.get(A)).toMatchObject({ head: 5, holes: [], goneAtMs: undefined });
  expect(m.links.attached).toBe(1);
  expect(timesWritten(anna, late)).toEqual([1, 1]);
  expect(received(anna)).toHaveLength(5);
  await scene.end();
});

describe("a biz-server's command", () => {
  test("is in order with the pushes around it", async () => {
    const { cluster } = given();
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs();
    const anna = await scene.client("anna", m);
    const before = cluster.biz.push(a, { room: "one" });
    a.command({ $case: "join", value: { userId: "anna", roomId: "one" } });
    const within = cluster.biz.push(a, { room: "one" });
    a.command({ $case: "leave", value: { userId: "anna", roomId: "one" } });
    const after = cluster.biz.push(a, { room: "one" });
    await scene.pass(50);
    expect(timesWritten(anna, [before, within, after])).toEqual([0, 1, 0]);
    expect(anna.frames.slice(1).map(({ type }) => type)).toEqual(["joined", "message", "left"]);
    await scene.end();
  });

  test("puts a client into a room that it then resumes as one that it joined itself", async () => {
    given();
    const a = await scene.manager(A);
    const [m, n] = [await scene.node("m"), await scene.node("n")];
    await scene.ageLogs();
    const anna = await scene.client("anna", m);
    a.command({ $case: "join", value: { userId: "anna", roomId: "one" } });
    await scene.pass(20);
    scene.away(anna);
    const missed = await scene.push(a, { room: "one" }, 3);
    await scene.comeTo(anna, n);
    expect(answers(anna)).toEqual([true, true]);
    expect(received(anna)).toEqual(contents(missed));
    await scene.end();
  });

  test("that waited for its link is not for sessions that were opened after it", async () => {
    const { cluster } = given({ reattachMs: 100_000 });
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs();
    const anna = await scene.client("anna", m);
    cluster.network.part(a.epoch, m.address);
    await scene.pass(4_000);
    a.command({ $case: "join", value: { userId: "anna", roomId: "one" } });
    a.command({ $case: "join", value: { userId: "bert", roomId: "one" } });
    await scene.pass(10);
    const bert = await scene.client("bert", m);
    // What is said on a stream that was opened before the command does not know of it.
    const [known] = a.fanOut.nodes;
    await cluster.until(() => known?.link.state === "down", "the attempt is given up");
    cluster.network.heal();
    await scene.pass(2_000);
    expect([...anna.rooms.keys()]).toEqual(["one"]);
    expect([...bert.rooms.keys()]).toEqual([]);
    await scene.end();
  });
});

describe("excluded and listed users", () => {
  test("are the same live, replayed, filled from the log, and copied from a peer", async () => {
    const { cluster } = given({ sessionBufferBytes: 500 });
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs(6_000);
    const [live, replayed, slow, moved] = [
      await scene.client("anna", m, ["one"]),
      await scene.client("anna", m, ["one"]),
      await scene.client("anna", m, ["one"]),
      await scene.client("anna", m, ["one"]),
    ];
    // Enough before it that a slow client is behind when it comes.
    slow.stall();
    const filler = await scene.push(a, { room: "one" }, 40);
    for (const client of [replayed, moved]) scene.away(client);
    const mine = [
      ...(await scene.push(a, { room: "one", users: ["anna"] })),
      ...(await scene.push(a, { room: "one", excluded: ["bert"] })),
    ];
    await scene.push(a, { room: "one", users: ["bert"] });
    await scene.push(a, { room: "one", excluded: ["anna"] });
    const n = await scene.node("n");
    await scene.comeTo(replayed, m);
    await scene.comeTo(moved, n);
    slow.stall(false);
    await scene.pass(500);
    const all = contents([...filler, ...mine]);
    for (const client of [live, replayed, slow, moved]) expect(received(client)).toEqual(all);
    expect(cluster.resumes).toEqual({ recovered: 4, refused: 0 });
    await scene.end();
  });
});

describe("idempotency keys", () => {
  /** A push that n had by A comes to it again by B, after `count` others. */
  async function repeatedAfter(count: number, logBytes: number) {
    const { cluster } = given({ logBytes });
    const [a, b] = [await scene.manager(A), await scene.manager(B)];
    const [m, n] = [await scene.node("m"), await scene.node("n")];
    await scene.ageLogs();
    const anna = await scene.client("anna", n, ["one"]);
    cluster.network.part(a.epoch, m.address);
    cluster.network.stall(b.epoch, n.address);
    const [retried] = await scene.push(a, { room: "one", retried: true });
    await cluster.until(() => b.log.headSeq === 1, "it is retried");
    for (let pushed = 0; pushed < count; pushed += 50) {
      await scene.push(a, { room: "one", retried: true }, Math.min(50, count - pushed));
    }
    cluster.network.heal();
    return { cluster, anna, b, n, retried: retried === undefined ? [] : [retried] };
  }

  test("that the node's log has no more are still known to its clients", async () => {
    const { anna, b, n, retried } = await repeatedAfter(20, 8 * ENTRY_BYTES);
    await scene.cluster.until(() => n.core.intake.head(B) === b.log.headSeq, "b's are there");
    await scene.pass(100);
    expect(timesWritten(anna, retried)).toEqual([2]);
    expect(received(anna).filter((content) => content === retried[0]?.content)).toHaveLength(1);
    await scene.end();
  });

  test("that are in the node's log are written to nobody twice", async () => {
    const { anna, b, n, retried } = await repeatedAfter(20, 1_000_000);
    await scene.cluster.until(() => n.core.intake.head(B) === b.log.headSeq, "b's are there");
    await scene.pass(100);
    expect(timesWritten(anna, retried)).toEqual([1]);
    await scene.end();
  });
});

test.each([
  { missed: 20, recovered: true },
  { missed: 21, recovered: false },
])(
  "of at most 20 publications $missed missed ones are replayed: $recovered",
  async ({ missed, recovered }) => {
    given({ maxReplay: 20 });
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs();
    const anna = await scene.client("anna", m, ["one"]);
    scene.away(anna);
    await scene.push(a, { room: "one" }, missed);
    await scene.push(a, { room: "two" }, 100);
    await scene.comeTo(anna, m);
    // The room, and self, which has missed nothing.
    expect(answers(anna).sort()).toEqual([recovered, true].sort());
    expect(received(anna)).toHaveLength(recovered ? missed : 0);
    await scene.end();
  },
);

describe("wall clocks that jump", () => {
  test.each([5, -5])("by %d hours, of a node or a manager, change no answer", async (hours) => {
    const { cluster } = given();
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs();
    const anna = await scene.client("anna", m, ["one"]);
    await scene.push(a, { room: "one" }, 3);
    for (const process of [m, a]) process.clock.moveWallClock(hours * HOUR_MS);
    scene.away(anna);
    await scene.push(a, { room: "one" }, 3);
    const n: Node = cluster.startNode("n");
    n.clock.moveWallClock(-hours * HOUR_MS);
    await cluster.until(() => n.isReady, "n is ready");
    await scene.comeTo(anna, n);
    expect(answers(anna)).toEqual([true, true]);
    expect(received(anna)).toHaveLength(6);
    await scene.end();
  });

  test.each([
    { hours: -5, recovered: true },
    // It may have slept for so long.
    { hours: 5, recovered: false },
  ])(
    "by $hours hours, of a client that is away, make its absence no shorter: $recovered",
    async ({ hours, recovered }) => {
      given();
      const a = await scene.manager(A);
      const m = await scene.node("m");
      await scene.ageLogs();
      const anna = await scene.client("anna", m, ["one"]);
      scene.away(anna);
      await scene.push(a, { room: "one" }, 3);
      anna.clock.moveWallClock(hours * HOUR_MS);
      await scene.comeTo(anna, m);
      expect(answers(anna)).toEqual([recovered, recovered]);
      await scene.end();
    },
  );
});

test("beyond 100 epochs nothing is lost or repeated: who cannot name them all is not recovered, and no position has more than 100 entries", async () => {
  const { cluster } = given({ logMs: 60_000 });
  const [m, n] = [await scene.node("m"), await scene.node("n")];
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  for (let generation = 0; generation < 13; generation += 1) {
    const managers = Array.from({ length: 10 }, () => cluster.startManager());
    await scene.pass(20);
    for (const manager of managers) await scene.push(manager, { room: "one" });
    await scene.moves(anna, generation % 2 === 0 ? n : m);
    scene.away(anna);
    for (const manager of managers) await scene.push(manager, { room: "one" });
    await scene.comeTo(anna, generation % 2 === 0 ? m : n);
    for (const manager of managers) manager.kill();
  }
  expect(m.core.log.epochs.size).toBe(130);
  // Late, a client of whom no position can tell all.
  const bert = await scene.client("bert", m, ["one"]);
  const last = await scene.manager(A);
  scene.away(bert);
  const missed = await scene.push(last, { room: "one" }, 2);
  await scene.comeTo(bert, n);
  expect(answers(bert).at(-1)).toBe(false);
  expect(received(bert)).not.toContain(contents(missed)[0]);
  await scene.end();
});

describe("the hold of self", () => {
  test("lasts until the resume, and what came meanwhile is replayed in order", async () => {
    const { cluster } = given();
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs();
    const anna = await scene.client("anna", m);
    await scene.push(a, { users: ["anna"] });
    scene.away(anna);
    const missed = await scene.push(a, {}, 2);
    anna.isAway = false;
    anna.goesTo = m;
    anna.onFrame = ({ type }) => {
      if (type === "welcome") cluster.network.stall(anna.id, m.address);
    };
    await scene.frame(anna, "welcome");
    const held = await scene.push(a, { users: ["anna"] }, 2);
    await scene.pass(1_000);
    expect(timesWritten(anna, held)).toEqual([0, 0]);
    cluster.network.heal();
    await scene.opened(anna);
    await scene.pass(50);
    expect(answers(anna)).toEqual([true]);
    expect(anna.self.received.slice(1)).toEqual(contents([...missed, ...held]));
    await scene.end();
  });

  test("ends after 5 s, and a resume that comes later repeats and loses nothing", async () => {
    const { cluster } = given();
    const a = await scene.manager(A);
    const m = await scene.node("m");
    await scene.ageLogs(8_000);
    const anna = await scene.client("anna", m);
    await scene.push(a, { users: ["anna"] });
    scene.away(anna);
    const missed = await scene.push(a, {}, 2);
    anna.isAway = false;
    anna.goesTo = m;
    anna.onFrame = ({ type }) => {
      if (type === "welcome") cluster.network.stall(anna.id, m.address);
    };
    await scene.frame(anna, "welcome");
    const held = await scene.push(a, { users: ["anna"] }, 2);
    await scene.pass(5_100);
    // What the server goes on with by itself the client ignores: it has asked.
    expect(timesWritten(anna, [...missed, ...held])).toEqual([0, 0, 1, 1]);
    expect(anna.self.received).toHaveLength(1);
    cluster.network.heal();
    await scene.opened(anna);
    await scene.pass(50);
    expect(answers(anna)).toEqual([true]);
    expect(timesWritten(anna, [...missed, ...held])).toEqual([1, 1, 2, 2]);
    expect(anna.self.received.slice(1)).toEqual(contents([...missed, ...held]));
    await scene.end();
  });
});

describe("an epoch that is forgotten while its last copies are still in a log", () => {
  /** a died 17 s ago; m has what it pushed from a node that had it from another, and has forgotten a. */
  async function forgotten() {
    const { cluster } = given({ logMs: 8_000 });
    const a = await scene.manager(A);
    const b = await scene.manager(B);
    const first = await scene.node("first");
    await scene.ageLogs(8_000);
    const old = await scene.push(a, { room: "one" }, 3);
    a.kill();
    const diedAtMs = cluster.nowMs;
    await scene.pass(6_500);
    const second = await scene.node("second");
    first.kill();
    await cluster.until(() => cluster.nowMs - diedAtMs > 11_000, "a is dead for 11 s");
    const m = await scene.node("m");
    second.kill();
    await cluster.until(() => m.core.log.epochs.get(A) === undefined, "m has forgotten a");
    expect(m.core.log.at(m.core.log.start)?.publication.epoch).toBe(A);
    return { cluster, b, m, old };
  }

  test("does not keep other nodes from copying the log", async () => {
    const { b, m } = await forgotten();
    const anna = await scene.client("anna", m, ["one"]);
    scene.away(anna);
    const missed = await scene.push(b, { room: "one" }, 2);
    const n = await scene.node("n");
    expect(n.core.log.ageMs(n.clock.monotonicMs())).toBeGreaterThan(8_000);
    await scene.comeTo(anna, n);
    expect(answers(anna)).toEqual([true, true]);
    expect(received(anna)).toEqual(contents(missed));
    await scene.end();
  });

  test("is not replayed to one who joined after it", async () => {
    const { m, old } = await forgotten();
    const anna = await scene.client("anna", m, ["one"]);
    await scene.moves(anna, m);
    expect(answers(anna)).toEqual([true, true]);
    expect(timesWritten(anna, old)).toEqual([0, 0, 0]);
    await scene.end();
  });
});

test("a position does not speak for what is evicted and not yet written", async () => {
  const { cluster } = given({ logBytes: 8 * ENTRY_BYTES, flushWindowMs: 3_000 });
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  const pushed = [
    ...(await scene.push(a, { room: "one" })),
    ...(await scene.push(a, { room: "one" }, 20)),
  ];
  await scene.pass(6_000);
  expect(received(anna)).toEqual(contents(pushed));
  expect(cluster.violations).toEqual([]);
  await scene.end();
});
