import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { type HandshakeAnswer, handshake } from "../support/handshake.ts";
import type { RunningNode } from "../support/processes.ts";
import { it } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";

const STORM = 2_000;
/** So low that a machine with little time for the test is refused, too. */
const RATE = 50;
const BURST = 100;

const byStatus = (answers: readonly HandshakeAnswer[], status: number) =>
  answers.filter((answer) => answer.status === status);

/** All of them at once, each on a connection of its own; those that are admitted stay open. */
function storm(node: RunningNode, handshakes: number): Promise<HandshakeAnswer[]> {
  const port = Number(new URL(node.wsUrl).port);
  return Promise.all(
    Array.from({ length: handshakes }, (_, n) =>
      handshake(port, { path: `/ws?user_id=storm-${n}` }),
    ),
  );
}

/** Asks until told to stop; gives every answer. */
function watchReadiness(node: RunningNode): { stop(): Promise<number[]> } {
  const statuses: number[] = [];
  let isStopping = false;
  const ended = (async () => {
    while (!isStopping) {
      statuses.push((await fetch(`${node.opsUrl}/readyz`)).status);
      await sleep(20);
    }
  })();
  return {
    async stop() {
      isStopping = true;
      await ended;
      return statuses;
    },
  };
}

describe("a storm of handshakes", { timeout: 60_000 }, () => {
  it("a storm of handshakes does not stop live delivery", async ({ stage }) => {
    const { nodes, publisher } = await stage.cluster(1, {
      node: { HANDSHAKE_RATE: RATE, HANDSHAKE_BURST: BURST },
    });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const clients = await Promise.all(
      ["ann", "bob", "cat"].map((userId) => stage.client(node, { userId })),
    );
    for (const client of clients) await client.join("room");
    const pushing = new SteadyPushes(publisher, "room", 5);
    const readiness = watchReadiness(node);

    const startedAtMs = performance.now();
    const answers = await storm(node, STORM);
    const endedAtMs = performance.now();
    for (const { socket } of answers) socket.destroy();
    const pushed = await pushing.stop();
    expect(new Set(await readiness.stop())).toEqual(new Set([200]));

    const admitted = byStatus(answers, 101);
    const refused = byStatus(answers, 429);
    expect(admitted.length + refused.length).toBe(STORM);
    expect(admitted.length).toBeGreaterThanOrEqual(BURST - clients.length);
    expect(admitted.length).toBeLessThanOrEqual(BURST + (RATE * (endedAtMs - startedAtMs)) / 1000);
    expect(refused.length).toBeGreaterThan(0);
    const reason = "TOO_MANY_HANDSHAKES";
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_rejections_total", { reason })).toBe(refused.length);
    // Spread over the time that the rate needs for those who were refused.
    const waits = refused.map(({ headers }) => Number(headers["retry-after"]));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(refused.length / RATE + 3);
    expect(new Set(waits).size).toBeGreaterThan(2);

    expect(pushing.refused).toEqual([]);
    const isInStorm = (atMs: number) => atMs >= startedAtMs && atMs <= endedAtMs;
    expect(pushing.answered.some(({ sentAtMs }) => isInStorm(sentAtMs))).toBe(true);
    expect(pushing.answered.flatMap(({ report }) => report?.failures ?? [])).toEqual([]);
    for (const client of clients) {
      await client.count(pushed.length);
      expect(client.texts).toEqual(pushed);
    }
  });

  it("on a full node is answered 503, and the node serves its sessions and stays ready", async ({
    stage,
  }) => {
    const { nodes, publisher } = await stage.cluster(1, { node: { MAX_SESSIONS: 1 } });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const client = await stage.client(node, { userId: "ann" });
    await client.join("room");
    const pushing = new SteadyPushes(publisher, "room", 5);
    const readiness = watchReadiness(node);
    const answers = await storm(node, 500);
    const pushed = await pushing.stop();
    expect(new Set(await readiness.stop())).toEqual(new Set([200]));
    expect(byStatus(answers, 503)).toHaveLength(500);
    expect(JSON.parse(answers[0]?.body ?? "").error.code).toBe("NODE_FULL");
    const waits = new Set(answers.map(({ headers }) => headers["retry-after"]));
    expect(waits.size).toBeGreaterThan(1);
    await client.count(pushed.length);
    expect(client.texts).toEqual(pushed);
  });
});
