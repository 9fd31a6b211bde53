import { setTimeout as sleep } from "node:timers/promises";
import { BroadcastMessageRequest, PushToRoomRequest, type StreamPush } from "@pushcast/api";
import { describe, expect } from "vitest";
import type { ManagerClient } from "../support/manager-client.ts";
import type { RunningNode, Settings } from "../support/processes.ts";
import { numberedContent, ResumingClient, SELF } from "../support/resuming-client.ts";
import { it, type Stage } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const ROOMS = Array.from({ length: 10 }, (_, n) => `room-${n}`);
const CONTENT_BYTES = 100;
const PUSHES_A_MESSAGE = 50;

const LAG_SECONDS = 2;
const LOG_BYTES = 8 * MIB;
const FRAME_CACHE_BYTES = 4 * MIB;
const SESSION_BUFFER_BYTES = 16 * 1024;
/** Resident memory that nobody holds any more, until it is collected and given back. */
const GARBAGE_BYTES = 96 * MIB;

/** Clients in a room each that have had the first push, and are cut. */
class Storm {
  readonly node: RunningNode;
  readonly publisher: ManagerClient;
  readonly clients: readonly ResumingClient[];
  /** How many pushes there were to each room, and as many to all. */
  pushed = 0;

  private constructor(node: RunningNode, publisher: ManagerClient, clients: ResumingClient[]) {
    this.node = node;
    this.publisher = publisher;
    this.clients = clients;
  }

  static async gather(stage: Stage, count: number, settings: Settings): Promise<Storm> {
    const { nodes, publisher } = await stage.cluster(1, {
      node: { LOG_BYTES, FRAME_CACHE_BYTES, SESSION_BUFFER_BYTES, LAG_SECONDS, ...settings },
    });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    await node.warm();
    const readyAtMs = performance.now();
    const clients = Array.from({ length: count }, (_, n) => {
      const client = new ResumingClient(node.wsUrl, `storm-${n}`, [roomOf(n)]);
      stage.atEnd(() => client.cut());
      return client;
    });
    await Promise.all(clients.map((client) => client.connect(false, 0)));
    const storm = new Storm(node, publisher, clients);
    // Nothing is recovered from a log that is younger than LAG_SECONDS and the time away.
    await sleep(Math.max(0, readyAtMs + LAG_SECONDS * 1_000 - performance.now()));
    await storm.push(1);
    await storm.untilAllHave(1);
    for (const client of clients) client.cut();
    const isEmpty = async () => (await node.metrics()).value("connect_node_sessions") === 0;
    await until("all are gone", isEmpty);
    return storm;
  }

  /** As often to each room and to all. */
  async push(times: number): Promise<void> {
    const pushes: StreamPush[] = [];
    for (let n = this.pushed; n < this.pushed + times; n += 1) {
      const content = numberedContent(n, CONTENT_BYTES);
      const toRooms = ROOMS.map((roomId): StreamPush["push"] => {
        return { $case: "pushToRoom", value: PushToRoomRequest.fromPartial({ roomId, content }) };
      });
      const value = BroadcastMessageRequest.fromPartial({ content });
      for (const push of [...toRooms, { $case: "broadcastMessage", value } as const]) {
        pushes.push({ requestId: String(pushes.length), push });
      }
    }
    this.pushed += times;
    const results = await this.publisher.pushStream(pushes, PUSHES_A_MESSAGE);
    expect(results.filter(({ code }) => code !== 0)).toEqual([]);
  }

  /** Each client has had so many pushes of each subscription, none twice and none out of order. */
  async untilAllHave(received: number): Promise<void> {
    const subscriptions = this.clients.flatMap((client) => [...client.subscriptions.values()]);
    const haveAll = () => subscriptions.every((subscription) => subscription.received >= received);
    await until(`${received} messages for all`, haveAll, 30_000);
    for (const subscription of subscriptions) {
      expect(subscription).toMatchObject({ received, repeats: 0 });
    }
  }
}

function roomOf(n: number): string {
  return ROOMS[n % ROOMS.length] as string;
}

describe("clients that all resume at once", { timeout: 90_000 }, () => {
  it("get what they missed and then go on live, while a live room gets everything in order", async ({
    stage,
  }) => {
    const CLIENTS = 1_000;
    const MISSED = 100;
    const storm = await Storm.gather(stage, CLIENTS, {});
    const { node, publisher, clients } = storm;
    const live = await Promise.all(
      ["ann", "bob", "cat"].map((userId) => stage.client(node, { userId })),
    );
    for (const client of live) await client.join("live");
    const pushing = new SteadyPushes(publisher, "live", 5);
    await storm.push(MISSED);

    const rssBefore = node.process.rssBytes;
    let peakRss = rssBefore;
    const watch = setInterval(() => {
      peakRss = Math.max(peakRss, node.process.rssBytes);
    }, 20);
    stage.atEnd(() => clearInterval(watch));
    const back = Promise.all(clients.map((client) => client.connect(true, storm.pushed)));
    await storm.push(5);
    await back;
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_recoveries_total", { recovered: "false" })).toBe(0);
    await storm.push(1);
    await storm.untilAllHave(storm.pushed);
    const pushed = await pushing.stop();

    for (const { subscriptions, gaps } of clients) {
      expect(gaps).toBe(0);
      for (const { recovered, skipped } of subscriptions.values()) {
        expect({ recovered, skipped }).toEqual({ recovered: true, skipped: 0 });
      }
    }
    const boundBytes = LOG_BYTES + FRAME_CACHE_BYTES + CLIENTS * SESSION_BUFFER_BYTES;
    expect(peakRss - rssBefore).toBeLessThan(boundBytes + GARBAGE_BYTES);
    expect(pushing.refused).toEqual([]);
    for (const client of live) {
      await client.until("the last push", () => client.texts.includes(pushed.at(-1) ?? ""));
      const texts = client.messages.filter(({ room }) => room === "live").map(({ id }) => id);
      expect(texts).toEqual(pushing.answered.map(({ messageId }) => messageId));
    }
  });

  it("are told so, and replayed nothing, where they missed more than MAX_REPLAY_MESSAGES", async ({
    stage,
  }) => {
    const storm = await Storm.gather(stage, 200, { MAX_REPLAY_MESSAGES: 9 });
    const { clients, node } = storm;
    await storm.push(10);
    await Promise.all(clients.map((client) => client.connect(true, storm.pushed)));
    await storm.push(1);
    // The first, and the last.
    await storm.untilAllHave(2);
    for (const { subscriptions } of clients) {
      for (const id of [SELF, ...ROOMS]) {
        expect(subscriptions.get(id)?.recovered ?? false).toBe(false);
      }
    }
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_recoveries_total", { recovered: "true" })).toBe(0);
  });
});
