import { status } from "@grpc/grpc-js";
import { describe, expect } from "vitest";
import type { ManagerClient } from "../support/manager-client.ts";
import { startRecordingNode } from "../support/recording-node.ts";
import { it } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

/** Pushes from many publishers at once, each as soon as its last one was answered. */
class Load {
  readonly answered: string[] = [];
  readonly refused: { code: number }[] = [];
  readonly #ended: Promise<unknown>;
  #isStopping = false;

  constructor(publisher: ManagerClient, roomId: string, publishers: number) {
    const push = async (n: number) => {
      for (let i = 0; !this.#isStopping; i += 1) {
        const content = `${n}/${i}`;
        try {
          await publisher.pushToRoom({ roomId, content });
          this.answered.push(content);
        } catch (error) {
          this.refused.push(error as { code: number });
          return;
        }
      }
    };
    this.#ended = Promise.all(Array.from({ length: publishers }, (_, n) => push(n)));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#ended;
  }
}

describe("SIGTERM under load", { timeout: 60_000 }, () => {
  it("a manager that stops sends what it has accepted", async ({ stage }) => {
    const { nodes, manager, publisher } = await stage.cluster(2);
    const clients = await Promise.all(nodes.map((node) => stage.client(node, { userId: "ann" })));
    await Promise.all(clients.map((client) => client.join("room")));
    const load = new Load(publisher, "room", 16);
    await until("pushes are under way", () => load.answered.length > 200);

    const stoppedAtMs = performance.now();
    expect(await manager.process.stop()).toBe(0);
    expect(performance.now() - stoppedAtMs).toBeLessThan(5_000);
    await load.stop();

    expect(load.refused).toHaveLength(16);
    for (const { code } of load.refused) expect(code).toBe(status.UNAVAILABLE);
    for (const client of clients) {
      await client.until("all that was answered", () => {
        const got = new Set(client.texts);
        return load.answered.every((content) => got.has(content));
      });
      expect(new Set(client.texts).size).toBe(client.texts.length);
    }
    // The nodes were told that it was the end: they do not wait for it to come back.
    for (const node of nodes) {
      await until("no link is left", async () => {
        return (await node.metrics()).value("connect_node_links") === 0;
      });
      expect((await node.metrics()).sum("connect_node_gaps_total")).toBe(0);
      expect(node.process.stderr).toBe("");
    }
  });

  it("sends every node all that is left, and last that it was final", async ({ stage }) => {
    const recorder = await startRecordingNode("recorder");
    const manager = await stage.manager({ REGISTRY: "static", NODES: recorder.grpcAddress });
    const publisher = stage.publisher(manager);
    await publisher.untilLinked(["recorder"]);
    const load = new Load(publisher, "room", 16);
    await until("pushes are under way", () => recorder.requests.length > 50);
    expect(await manager.process.stop()).toBe(0);
    await load.stop();
    recorder.close();

    expect(load.answered).not.toEqual([]);
    const sent = recorder.requests.flatMap(({ publications }) => publications);
    expect(sent.map(({ seq }) => seq)).toEqual(sent.map((_, n) => BigInt(n + 1)));
    const contents = new Set(sent.map(({ content }) => content.toString()));
    expect(load.answered.filter((content) => !contents.has(content))).toEqual([]);
    expect(recorder.requests.at(-1)).toMatchObject({
      final: true,
      publications: [],
      afterSeq: BigInt(sent.length),
      throughSeq: BigInt(sent.length),
    });
    expect(recorder.requests.filter(({ final }) => final)).toHaveLength(1);
  });

  it("ends a connect-node with 0: its clients are told, then closed, frames whole", async ({
    stage,
  }) => {
    const { nodes, publisher } = await stage.cluster(2, { node: { DRAIN_SECONDS: 1 } });
    const [leaving, staying] = nodes;
    if (leaving === undefined || staying === undefined) throw new Error("two nodes are needed");
    const users = ["ann", "bob", "cat"];
    const told = await Promise.all(users.map((userId) => stage.client(leaving, { userId })));
    const other = await stage.client(staying, { userId: "dan" });
    await Promise.all([...told, other].map((client) => client.join("room")));
    const pushing = new SteadyPushes(publisher, "room", 2);
    await other.count(100);

    const stoppedAtMs = performance.now();
    expect(await leaving.process.stop()).toBe(0);
    expect(performance.now() - stoppedAtMs).toBeLessThan(1_000 + 4_000);
    await other.count(pushing.sent + 50);
    const all = await pushing.stop();

    expect(pushing.refused).toEqual([]);
    await other.count(all.length);
    expect(other.texts).toEqual(all);
    for (const client of told) {
      expect(await client.closed).toMatchObject({ code: 1012 });
      expect(client.texts).toEqual(all.slice(0, client.texts.length));
      const reconnect = await client.frame("reconnect");
      expect(reconnect).toMatchObject({ reason: "drain" });
      // Right before it stands up to where everything has been written.
      const told = client.frames.indexOf(reconnect);
      expect(client.frames[told - 1]?.type).toBe("position");
      // The connection went on until the end of the drain.
      expect(client.frames.slice(told).some(({ type }) => type === "message")).toBe(true);
    }
    // Whatever the node acknowledged as delivered has arrived.
    const delivered = pushing.answered.reduce(
      (sum, { report }) => sum + report.sessionsDelivered,
      0,
    );
    const arrived = [...told, other].reduce((sum, client) => sum + client.messages.length, 0);
    expect(arrived).toBeGreaterThanOrEqual(delivered);
  });

  it("ends a connect-node with 0 in time, though a client never answers its close frame", async ({
    stage,
  }) => {
    const { nodes } = await stage.cluster(1, { node: { DRAIN_SECONDS: 0, STOP_SECONDS: 3 } });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const client = await stage.client(node, { userId: "ann" });
    client.pause();
    expect(await node.process.stop()).toBe(0);
  });

  it("gives up at once at a second signal: connect-node, exit 1", async ({ stage }) => {
    const { nodes } = await stage.cluster(1, { node: { DRAIN_SECONDS: 30 } });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const client = await stage.client(node, { userId: "ann" });
    const exit = node.process.stop();
    await client.frame("reconnect");
    const secondAtMs = performance.now();
    node.process.signal("SIGTERM");
    expect(await exit).toBe(1);
    expect(performance.now() - secondAtMs).toBeLessThan(1_000);
    expect(node.process.logLines.at(-1)).toMatchObject({ level: "fatal", msg: "second signal" });
  });

  it("gives up at once at a second signal: push-manager, exit 1", async ({ stage }) => {
    const { nodes, manager, publisher } = await stage.cluster(1, {
      manager: { ACK_TIMEOUT_MS: 10_000 },
    });
    nodes[0]?.process.freeze();
    const waiting = publisher.broadcast({ content: "nobody acknowledges" }).catch(() => {});
    await until("a push waits", async () => {
      return (await manager.metrics()).value("push_manager_pending_pushes") === 1;
    });
    const exit = manager.process.stop();
    await until("it is stopping", async () => (await readiness(manager.opsUrl)) === 503);
    const secondAtMs = performance.now();
    manager.process.signal("SIGTERM");
    expect(await exit).toBe(1);
    expect(performance.now() - secondAtMs).toBeLessThan(1_000);
    await waiting;
  });

  it("ends a PushStream with UNAVAILABLE once what was accepted is answered", async ({ stage }) => {
    const { nodes, manager, publisher } = await stage.cluster(1);
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const client = await stage.client(node, { userId: "ann" });
    await client.join("room");
    const pushes = Array.from({ length: 20_000 }, (_, n) => ({
      requestId: String(n),
      push: {
        $case: "pushToRoom" as const,
        value: {
          roomId: "room",
          content: Buffer.from(String(n)),
          contentType: "",
          idempotencyKey: "",
          excludeUserIds: [],
          ephemeral: false,
          wait: 0 as const,
        },
      },
    }));
    const ended = publisher.pushStream(pushes, 10).then(
      () => ({ code: status.OK, results: [] }),
      (error) => error as { code: number; results: { code: number; requestId: string }[] },
    );
    await client.count(500);
    expect(await manager.process.stop()).toBe(0);
    const { code, results } = await ended;
    expect(code).toBe(status.UNAVAILABLE);
    const accepted = results.filter((result) => result.code === status.OK);
    expect(accepted.length).toBeGreaterThanOrEqual(500);
    await client.count(accepted.length);
    const got = new Set(client.texts);
    expect(accepted.filter(({ requestId }) => !got.has(requestId))).toEqual([]);
  });
});

async function readiness(opsUrl: string): Promise<number> {
  return (await fetch(`${opsUrl}/readyz`)).status;
}
