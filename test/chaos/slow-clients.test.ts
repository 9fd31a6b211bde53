import { type DeliveryReport, PushToRoomRequest, type StreamPush } from "@pushcast/api";
import { describe, expect } from "vitest";
import type { ManagerClient } from "../support/manager-client.ts";
import { range } from "../support/range.ts";
import { it } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { type TestClient, textOf } from "../support/ws-client.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const CONTENT_BYTES = 32 * KIB;
const PUSHES_A_MESSAGE = 16;
/** More than an entry of the log counts: its content, and what it costs besides. */
const ENTRY_BYTES = CONTENT_BYTES + 4 * KIB;

/** Numbers its pushes: their contents begin with `<n>:`. */
class Flood {
  readonly #publisher: ManagerClient;
  readonly #roomId: string;
  #next = 0;

  constructor(publisher: ManagerClient, roomId: string) {
    this.#publisher = publisher;
    this.#roomId = roomId;
  }

  get pushed(): number {
    return this.#next;
  }

  /** The report of each push, in order. */
  async push(bytes = CONTENT_BYTES): Promise<DeliveryReport[]> {
    const pushes: StreamPush[] = [];
    for (let done = 0; done < bytes; done += CONTENT_BYTES) {
      const content = Buffer.from(`${this.#next}:`.padEnd(CONTENT_BYTES, "x"));
      const value = PushToRoomRequest.fromPartial({ roomId: this.#roomId, content });
      pushes.push({ requestId: String(this.#next), push: { $case: "pushToRoom", value } });
      this.#next += 1;
    }
    const results = await this.#publisher.pushStream(pushes, PUSHES_A_MESSAGE);
    expect(results.map(({ requestId }) => requestId)).toEqual(
      pushes.map(({ requestId }) => requestId),
    );
    return results.map(({ report, error }) => {
      if (report === undefined) throw new Error(error);
      return report;
    });
  }
}

function numbers(client: TestClient): number[] {
  return client.texts.map((text) => Number(text.split(":", 1)[0]));
}

function isLast(client: TestClient, last: number): boolean {
  const frame = client.messages.at(-1);
  return frame !== undefined && textOf(frame).startsWith(`${last}:`);
}

/** Floods until the system takes no more for their sockets: they lag from one end of a MiB to the other. */
async function untilLagging(flood: Flood, sessions: number): Promise<void> {
  await until(`${sessions} lagging sessions`, async () => {
    const reports = await flood.push(MIB);
    return reports.every(({ sessionsLagging }) => sessionsLagging === sessions);
  });
}

describe("clients that do not read for a while", { timeout: 60_000 }, () => {
  it("get everything in order from the log, which holds it once for all", async ({ stage }) => {
    const LOG_BYTES = 48 * MIB;
    const { nodes, publisher } = await stage.cluster(1, {
      node: { LOG_BYTES },
      manager: { LOG_BYTES },
    });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const quick = await stage.client(node, { userId: "quick" });
    const slow = await stage.client(node, { userId: "slow" });
    await Promise.all([quick.join("room"), slow.join("room")]);
    const flood = new Flood(publisher, "room");
    await flood.push();
    await slow.count(1);

    slow.pause();
    await untilLagging(flood, 1);
    for (const report of await flood.push(8 * MIB)) {
      expect(report).toMatchObject({ sessionsDelivered: 1, sessionsLagging: 1, nodesMatched: 1 });
    }
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_lagging_sessions")).toBe(1);
    const logBytes = metrics.value("connect_node_log_bytes");
    expect(logBytes).toBeGreaterThan(flood.pushed * CONTENT_BYTES);
    expect(logBytes).toBeLessThan(flood.pushed * ENTRY_BYTES);
    expect(logBytes).toBeLessThanOrEqual(LOG_BYTES);
    expect(slow.messages.length).toBeLessThan(flood.pushed);
    await quick.count(flood.pushed);

    slow.resume();
    await slow.count(flood.pushed);
    await flood.push();
    for (const client of [quick, slow]) {
      await client.count(flood.pushed);
      expect(numbers(client)).toEqual(range(0, flood.pushed));
    }
    const after = await node.metrics();
    expect(after.value("connect_node_lagging_sessions")).toBe(0);
    expect(after.sum("connect_node_gaps_total")).toBe(0);
  });

  it("a session that lost something is told of a gap for each subscription concerned", async ({
    stage,
  }) => {
    const LOG_BYTES = 2 * MIB;
    const FLOOD_BYTES = 128 * MIB;
    const { nodes, publisher } = await stage.cluster(1, {
      // None of them is to be closed for it, however long the flood takes here.
      node: { LOG_BYTES, LAG_SECONDS: 120 },
      manager: { LOG_BYTES },
    });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const slow = await Promise.all(
      range(0, 4).map((n) => stage.client(node, { userId: `slow-${n}` })),
    );
    await Promise.all(slow.map((client) => client.joinAll(["room", "quiet"])));
    const flood = new Flood(publisher, "room");
    await flood.push();
    await Promise.all(slow.map((client) => client.count(1)));

    for (const client of slow) client.pause();
    await untilLagging(flood, slow.length);
    await flood.push(16 * MIB);
    const rssBefore = node.process.rssBytes;
    for (let flooded = 0; flooded < FLOOD_BYTES; flooded += 16 * MIB) {
      for (const report of await flood.push(16 * MIB)) {
        expect(report).toMatchObject({ sessionsDelivered: 0, sessionsLagging: slow.length });
      }
    }
    const metrics = await node.metrics();
    expect(metrics.value("connect_node_lagging_sessions")).toBe(slow.length);
    const logBytes = metrics.value("connect_node_log_bytes");
    expect(logBytes).toBeLessThanOrEqual(LOG_BYTES);
    expect(logBytes).toBeGreaterThan(LOG_BYTES - ENTRY_BYTES);
    // Resident memory depends on when garbage is collected and its pages are given back. But sessions
    // with queues of their own would hold all of the flood by now, once each or once together.
    expect(node.process.rssBytes - rssBefore).toBeLessThan(0.75 * FLOOD_BYTES);

    for (const client of slow) client.resume();
    await Promise.all(slow.map((client) => client.frame("gap")));
    await flood.push();
    const last = flood.pushed - 1;
    for (const client of slow) {
      await client.until("the last push", () => isLast(client, last));
      expectGapThenEverything(client, last);
    }
    expect((await node.metrics()).value("connect_node_gaps_total", { reason: "evicted" })).toBe(
      slow.length,
    );
  });

  it("are closed with 4409 when they lag for too long", async ({ stage }) => {
    const { nodes, publisher } = await stage.cluster(1, { node: { LAG_SECONDS: 1 } });
    const [node] = nodes;
    if (node === undefined) throw new Error("a node is needed");
    const slow = await stage.client(node, { userId: "slow" });
    await slow.join("room");
    slow.pause();
    const flood = new Flood(publisher, "room");
    await until("the session is gone", async () => {
      await flood.push(MIB);
      const metrics = await node.metrics();
      return metrics.value("connect_node_closes_total", { code: "4409" }) === 1;
    });
    expect((await node.metrics()).value("connect_node_sessions")).toBe(0);
    slow.resume();
    expect((await slow.closed).code).toBe(4409);
    expect(numbers(slow)).toEqual(range(0, slow.messages.length));
  });
});

/** A run from 0, one gap for the room, and a run to the last. */
function expectGapThenEverything(client: TestClient, last: number): void {
  const gaps = client.frames.filter((frame) => frame.type === "gap");
  expect(gaps).toEqual([expect.objectContaining({ type: "gap", scope: "room", room: "room" })]);
  const gapAt = client.frames.findIndex((frame) => frame.type === "gap");
  const before = client.frames.slice(0, gapAt).filter(({ type }) => type === "message").length;
  const got = numbers(client);
  expect(got.slice(0, before)).toEqual(range(0, before));
  const [resumedAt = 0] = got.slice(before);
  expect(resumedAt).toBeGreaterThan(before);
  expect(got.slice(before)).toEqual(range(resumedAt, last + 1));
}
