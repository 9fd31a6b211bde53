/** The failures that shaped the rule of resuming, each played with the real parts. */
import { afterEach, expect, test } from "vitest";
import { A, answers, B, contents, Scene, timesWritten } from "./scene.ts";

let scene: Scene;

afterEach(() => scene.cluster.loop.uninstall());

function given(settings?: ConstructorParameters<typeof Scene>[0]): Scene {
  scene = new Scene(settings);
  return scene;
}

test("welcome overwrites: a push that came while the client was away is replayed, though welcome is beyond it", async () => {
  const { cluster } = given();
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const anna = await scene.client("anna", m);
  await scene.push(a, {}, 10);

  scene.away(anna);
  const [missed] = await scene.push(a, {});
  expect(missed?.attempts[0]?.answer).toMatchObject({ failures: 0 });
  await scene.comeTo(anna, m);

  expect(anna.frames.findLast(({ type }) => type === "welcome")?.position).toEqual({ [A]: 11 });
  expect(anna.sent.findLast(({ type }) => type === "resume")?.position).toEqual({ [A]: 10 });
  expect(answers(anna)).toEqual([true]);
  expect(anna.self.received).toHaveLength(11);
  expect(cluster.resumes.refused).toBe(0);
  await scene.end();
});

test("two connections: while one takes over, a room listens to the new one alone", async () => {
  const { cluster } = given();
  const a = await scene.manager(A);
  const [m, n] = [await scene.node("m"), await scene.node("n")];
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one", "two"]);
  await scene.push(a, { room: "one" }, 50);

  // What N says is held from its welcome on, and again from its answer for the first room on.
  anna.onFrame = ({ type }) => {
    if (type === "welcome") cluster.network.stall(n.address, anna.id);
  };
  scene.handOver(anna, m, n);
  await scene.frame(anna, "welcome");
  const [ignored] = await scene.push(a, { room: "one" });
  cluster.network.stall(m.address, anna.id);
  const [late] = await scene.push(a, { room: "one" });
  anna.onFrame = ({ type, room }) => {
    if (type === "joined" && room === "one") cluster.network.stall(n.address, anna.id);
  };
  cluster.network.stall(n.address, anna.id, false);
  await scene.frame(anna, "joined");
  cluster.network.stall(m.address, anna.id, false);
  await scene.frame(anna, "message");
  anna.onFrame = () => {};
  cluster.network.heal();
  await scene.opened(anna);
  await scene.pass(50);

  expect(answers(anna)).toEqual([true, true, true]);
  const both = [ignored, late].flatMap((pushed) => pushed ?? []);
  expect(timesWritten(anna, both)).toEqual([2, 2]);
  expect(anna.rooms.get("one")?.received.slice(-2)).toEqual(contents(both));
  await scene.end();
});

test("unanswered join: a position that comes before the answer does not count, and the same is asked again", async () => {
  const { cluster } = given();
  const a = await scene.manager(A);
  const [m, n] = [await scene.node("m"), await scene.node("n")];
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  await scene.push(a, { room: "one" }, 50);

  anna.onFrame = ({ type }) => {
    if (type === "welcome") cluster.network.stall(n.address, anna.id);
  };
  scene.handOver(anna, m, n);
  await scene.frame(anna, "welcome");
  anna.onFrame = () => {};
  const missed = await scene.push(a, { room: "one" }, 10);
  expect(timesWritten(anna, missed)).toEqual(Array(10).fill(1));
  const said = await scene.frame(anna, "position");
  expect(said.position).toEqual({ [A]: 60 });
  anna.goesTo = m;
  cluster.network.cut(anna.id, n.address);
  cluster.network.heal();
  await scene.pass(20);
  await scene.opened(anna);
  await scene.pass(50);

  expect(anna.sent.findLast(({ type }) => type === "join")?.position).toEqual({ [A]: 50 });
  expect(answers(anna).slice(-1)).toEqual([true]);
  expect(anna.rooms.get("one")?.received.slice(-10)).toEqual(contents(missed));
  await scene.end();
});

test("going back: when the new connection dies unanswered, the old one is not listened to again", async () => {
  const { cluster } = given();
  const a = await scene.manager(A);
  const [m, n] = [await scene.node("m"), await scene.node("n")];
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  await scene.push(a, { room: "one" }, 50);

  anna.onFrame = ({ type }) => {
    if (type === "welcome") cluster.network.stall(n.address, anna.id);
  };
  scene.handOver(anna, m, n);
  await scene.frame(anna, "welcome");
  anna.onFrame = () => {};
  const ignored = await scene.push(a, { room: "one" }, 10);
  // No other connection is there for a while; the old one is, as far as the network goes.
  anna.isAway = true;
  cluster.network.cut(anna.id, n.address);
  cluster.network.heal();
  await scene.pass(6_000);
  await scene.comeTo(anna, m);

  expect(anna.sent.findLast(({ type }) => type === "join")?.position).toEqual({ [A]: 50 });
  expect(answers(anna).slice(-1)).toEqual([true]);
  expect(anna.rooms.get("one")?.received.slice(-10)).toEqual(contents(ignored));
  await scene.end();
});

test("position lowers: a node that is behind repeats nothing to a client that is ahead of it", async () => {
  const { cluster } = given({ reattachMs: 100_000 });
  const a = await scene.manager(A);
  const [m, n] = [await scene.node("m"), await scene.node("n")];
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  await scene.push(a, { room: "one" }, 12);
  cluster.network.part(a.epoch, n.address);
  const ahead = await scene.push(a, { room: "one" }, 8);

  await scene.moves(anna, n);
  expect(answers(anna)).toEqual([true, true]);
  const said = await scene.frame(anna, "position");
  expect(said.position).toEqual({ [A]: 12 });
  cluster.network.heal();
  await scene.pass(5_000);

  expect(timesWritten(anna, ahead)).toEqual(Array(8).fill(2));
  expect(anna.rooms.get("one")?.received).toHaveLength(20);
  await scene.end();
});

test("reload storm: nodes that are replaced one by one forget a dead epoch together, and no resume is refused", async () => {
  const { cluster } = given({ logMs: 8_000 });
  const b = await scene.manager(B);
  let a = cluster.startManager();
  const diedAtMs = new Map<string, number>();
  let nodes = [await scene.node("n-0"), await scene.node("n-1"), await scene.node("n-2")];
  await scene.ageLogs(8_000);

  for (let replaced = 0; replaced < 12; replaced += 1) {
    await scene.push(a, { room: "one" }, 3);
    a.kill();
    diedAtMs.set(a.epoch, cluster.nowMs);
    a = cluster.startManager();
    await scene.pass(6_000);
    await scene.push(b, { room: "one" });
    const [old] = nodes;
    if (old === undefined) throw new Error("there are three");
    // Of what this node has forgotten, one that joins now has no position.
    await scene.client(`user-${replaced}`, old, ["one"]);
    const added = await scene.node(`n-${replaced + 3}`);
    nodes = [...nodes.slice(1), added];
    for (const client of cluster.clients) client.goesTo = nodes[replaced % 3];
    void old.stop();
    await cluster.until(() => !cluster.nodes.includes(old), "it has ended");
    for (const client of cluster.clients) await scene.opened(client);
    const longDead = [...diedAtMs].filter(([, atMs]) => cluster.nowMs - atMs > 2 * 8_000 + 2_000);
    for (const [epoch] of longDead) {
      expect(nodes.map(({ core }) => core.log.epochs.get(epoch))).toEqual(Array(3).fill(undefined));
    }
  }

  expect(cluster.resumes.refused).toBe(0);
  expect(cluster.resumes.recovered).toBeGreaterThan(50);
  await scene.end();
});

test("manager never attached: what a manager that died gave to others is read before a node is ready", async () => {
  const { cluster } = given({ reattachMs: 100_000 });
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs(8_000);
  const anna = await scene.client("anna", m, ["one"]);
  scene.away(anna);
  // N has read all of M's log, and is told so a little later.
  const n = cluster.startNode("n");
  cluster.network.stall(m.address, n.address);
  await scene.pass(200);
  const [missed] = await scene.push(a, { room: "one" });
  expect(missed?.attempts[0]?.answer).toMatchObject({ failures: 0 });
  a.kill();
  cluster.network.stall(m.address, n.address, false);
  await cluster.until(() => n.isReady, "n is ready");
  await scene.comeTo(anna, n);

  expect(answers(anna)).toEqual([true, true]);
  expect(anna.rooms.get("one")?.received).toEqual([missed?.content]);
  await scene.end();
});

test("peer read once: a node that is cut off from the managers goes on reading its peer", async () => {
  const { cluster } = given();
  const a = await scene.manager(A);
  const [m, n] = [await scene.node("m"), await scene.node("n")];
  await scene.ageLogs();
  const anna = await scene.client("anna", n, ["one"]);
  await scene.push(a, { room: "one" }, 10);
  cluster.network.part(a.epoch, n.address);
  await scene.pass(10_000);
  const late = await scene.push(a, { room: "one" }, 10);
  expect(m.core.intake.head(A)).toBe(20);
  a.kill();
  await scene.pass(5_000);

  expect(anna.rooms.get("one")?.received.slice(-10)).toEqual(contents(late));
  await scene.end();
});

test("away restarts: connections that die after their welcome make no absence shorter", async () => {
  const { cluster } = given();
  const [a] = [await scene.manager(A), await scene.manager(B)];
  const m = await scene.node("m");
  await scene.ageLogs(50_000);
  const anna = await scene.client("anna", m, ["one"]);
  scene.away(anna);
  await scene.push(a, { room: "one" });
  a.kill();
  // The epoch is forgotten meanwhile.
  for (let died = 0; died < 5; died += 1) {
    await scene.pass(9_000);
    anna.isAway = false;
    anna.goesTo = m;
    cluster.network.stall(anna.id, m.address, false);
    anna.onFrame = ({ type }) => {
      if (type === "welcome") cluster.network.stall(anna.id, m.address);
    };
    await scene.frame(anna, "welcome");
    anna.isAway = true;
    anna.cut();
  }
  anna.onFrame = () => {};
  cluster.network.heal();
  expect(m.core.log.epochs.get(A)).toBeUndefined();
  await scene.comeTo(anna, m);

  expect(anna.sent.findLast(({ type }) => type === "join")?.away_ms).toBeGreaterThan(45_000);
  expect(answers(anna)).toEqual([false, false]);
  await scene.end();
});

test("empty node: a node that began with nothing recovers nobody who was there before", async () => {
  given();
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  await scene.push(a, { room: "one" }, 10);
  scene.away(anna);
  const [lost] = await scene.push(a, { room: "one" });
  expect(lost?.attempts[0]?.answer).toMatchObject({ failures: 0 });
  a.kill();
  m.kill();
  const n = await scene.node("n");
  expect(n.core.log.epochs.size).toBe(0);
  await scene.comeTo(anna, n);

  expect(answers(anna)).toEqual([false, false]);
  await scene.end();
});

test.each([
  { by: "its publisher's retry", retried: true, reattachMs: 100_000 },
  { by: "the reading of a peer", retried: false, reattachMs: 2_000 },
])(
  "undelivered tail: what a killed manager gave to one node only comes to the other by $by",
  async ({ retried, reattachMs }) => {
    const { cluster } = given({ reattachMs });
    const [a] = [await scene.manager(A), await scene.manager(B)];
    const [m, n] = [await scene.node("m"), await scene.node("n")];
    await scene.ageLogs();
    const [anna, bert] = [
      await scene.client("anna", m, ["one"]),
      await scene.client("bert", n, ["one"]),
    ];
    await scene.push(a, { room: "one" }, 10);
    cluster.network.stall(a.epoch, n.address);
    const [tail] = await scene.push(a, { room: "one", retried });
    a.kill();
    await scene.pass(8_000);

    for (const { rooms } of [anna, bert]) {
      expect(rooms.get("one")?.received.slice(-1)).toEqual([tail?.content]);
    }
    await scene.end();
  },
);

test("seam: what waits for its joined flush is not written again to one who was replayed meanwhile", async () => {
  given({ flushWindowMs: 500 });
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const [anna, bert] = [
    await scene.client("anna", m, ["one"]),
    await scene.client("bert", m, ["one"]),
  ];
  await scene.push(a, { room: "one" }, 2);
  scene.away(anna);
  // The first is flushed at once, and what follows waits.
  await scene.push(a, { room: "one" });
  const waiting = await scene.push(a, { room: "one" }, 6);
  expect(timesWritten(bert, waiting)).toEqual(Array(6).fill(0));
  await scene.comeTo(anna, m);
  expect(timesWritten(anna, waiting)).toEqual(Array(6).fill(1));
  expect(timesWritten(bert, waiting)).toEqual(Array(6).fill(0));
  await scene.pass(1_000);

  expect(timesWritten(anna, waiting)).toEqual(Array(6).fill(1));
  expect(timesWritten(bert, waiting)).toEqual(Array(6).fill(1));
  await scene.end();
});

test("seam: what waits for its joined flush is not written again to one who was filled meanwhile", async () => {
  given({ flushWindowMs: 2_000, sessionBufferBytes: 500 });
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const [anna, bert] = [
    await scene.client("anna", m, ["one"]),
    await scene.client("bert", m, ["one"]),
  ];
  anna.stall();
  await scene.push(a, { room: "one" }, 40);
  expect(m.core.hub.lagging.size).toBe(1);
  const waiting = await scene.push(a, { room: "one" }, 6);
  anna.stall(false);
  await scene.pass(100);
  expect(timesWritten(anna, waiting)).toEqual(Array(6).fill(1));
  expect(timesWritten(bert, waiting)).toEqual(Array(6).fill(0));
  await scene.pass(4_000);

  for (const client of [anna, bert])
    expect(timesWritten(client, waiting)).toEqual(Array(6).fill(1));
  await scene.end();
});

test("mid-replay: a connection that dies in the middle of a replay has the rest replayed by the next", async () => {
  given();
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  scene.away(anna);
  const missed = await scene.push(a, { room: "one" }, 100);
  let came = 0;
  anna.onFrame = ({ type }) => {
    came += type === "message" ? 1 : 0;
    if (came !== 50) return;
    anna.isAway = true;
    anna.cut();
  };
  anna.isAway = false;
  anna.goesTo = m;
  await scene.cluster.until(() => came >= 50, "half of it is replayed");
  anna.onFrame = () => {};
  await scene.comeTo(anna, m);

  expect(answers(anna)).toEqual([true, true, true, true]);
  expect(anna.rooms.get("one")?.received).toEqual(contents(missed));
  await scene.end();
});

test("retried push: a client that has it from one manager drops it from the other", async () => {
  const { cluster } = given();
  const [a, b] = [await scene.manager(A), await scene.manager(B)];
  const [m, n] = [await scene.node("m"), await scene.node("n")];
  await scene.ageLogs();
  const anna = await scene.client("anna", n, ["one"]);
  cluster.network.part(a.epoch, m.address);
  cluster.network.part(b.epoch, n.address);
  cluster.network.part(m.address, n.address);
  const [retried] = await scene.push(a, { room: "one", retried: true });
  expect(anna.rooms.get("one")?.received).toEqual([retried?.content]);
  await cluster.until(() => m.core.intake.head(B) === 1, "the retry is at the other node");
  await scene.moves(anna, m);

  const wasWritten = anna.frames.filter(({ type }) => type === "message");
  expect(wasWritten.map(({ id }) => id)).toEqual([`${A}-1`, `${B}-1`]);
  expect(anna.rooms.get("one")?.received).toEqual([retried?.content]);
  // A node that has the key writes it to nobody again.
  const bert = await scene.client("bert", n, ["one"]);
  cluster.network.heal();
  await scene.pass(5_000);
  expect(n.core.intake.head(B)).toBe(1);
  expect(bert.rooms.get("one")?.received).toEqual([]);
  await scene.end();
});

test("ephemeral hole: a link that was behind has no hole where an ephemeral push was", async () => {
  const { cluster } = given();
  const a = await scene.manager(A);
  const m = await scene.node("m");
  await scene.ageLogs();
  const anna = await scene.client("anna", m, ["one"]);
  await scene.push(a, { room: "one" }, 10);
  cluster.network.part(a.epoch, m.address);
  await scene.pass(4_000);
  const [before] = await scene.push(a, { room: "one" });
  await scene.push(a, { room: "one", ephemeral: true });
  const [after] = await scene.push(a, { room: "one" });
  await scene.push(a, { room: "one", ephemeral: true });
  cluster.network.heal();
  await scene.pass(3_000);
  expect(m.core.log.epochs.get(A)).toMatchObject({ head: 14, holes: [] });
  await scene.moves(anna, m);

  expect(anna.rooms.get("one")?.received.slice(-2)).toEqual([before?.content, after?.content]);
  expect(anna.frames.filter(({ type }) => type === "gap")).toEqual([]);
  expect(answers(anna)).toEqual([true, true]);
  await scene.end();
});
