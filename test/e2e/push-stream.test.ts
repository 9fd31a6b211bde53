import { status } from "@grpc/grpc-js";
import {
  BroadcastMessageRequest,
  PushToRoomRequest,
  PushToUserRequest,
  type StreamPush,
  type StreamResult,
} from "@pushcast/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cluster, Stage } from "../support/stage.ts";
import type { TestClient } from "../support/ws-client.ts";

const PUSHES = 5_000;
const ROOMS = ["red", "blue", "green", "black"];
const PUSHES_A_MESSAGE = 50;

function toRoom(requestId: string, roomId: string, content: string): StreamPush {
  const value = PushToRoomRequest.fromPartial({ roomId, content: Buffer.from(content) });
  return { requestId, push: { $case: "pushToRoom", value } };
}

describe("a PushStream", { timeout: 60_000 }, () => {
  const stage = new Stage();
  let cluster: Cluster;
  /** One on each node, in all rooms. */
  let clients: TestClient[];

  beforeAll(async () => {
    cluster = await stage.cluster(2);
    clients = await Promise.all(
      cluster.nodes.map((node, n) => stage.client(node, { userId: `user-${n}` })),
    );
    await Promise.all(clients.map((client) => client.joinAll(ROOMS)));
  }, 60_000);

  afterAll(() => stage.close());

  test("answers 5,000 pushes to rooms on two nodes, and each room gets its own in order", async () => {
    const roomOf = (n: number) => ROOMS[n % ROOMS.length] ?? "";
    const numbers = Array.from({ length: PUSHES }, (_, n) => n);
    const pushes = numbers.map((n) => toRoom(`request-${n}`, roomOf(n), String(n)));
    const results = await cluster.publisher.pushStream(pushes, PUSHES_A_MESSAGE);

    const byRequest = new Map(results.map((result) => [result.requestId, result]));
    expect(results).toHaveLength(PUSHES);
    expect(byRequest.size).toBe(PUSHES);
    for (const n of numbers) {
      expect(byRequest.get(`request-${n}`)).toMatchObject({
        code: status.OK,
        error: "",
        messageId: `${cluster.manager.epoch}-${n + 1}`,
        report: { nodesTotal: 2, nodesAcked: 2, nodesMatched: 2, sessionsDelivered: 2 },
      });
    }
    for (const client of clients) {
      await client.count(PUSHES);
      for (const room of ROOMS) {
        const got = client.messages
          .filter((frame) => frame.room === room)
          .map(({ content }) => content);
        const expected = numbers.filter((n) => roomOf(n) === room);
        expect(got.map((content) => Number(Buffer.from(content).toString()))).toEqual(expected);
      }
      expect(client.messages).toHaveLength(PUSHES);
    }
    const metrics = await cluster.manager.metrics();
    const api = "PushToRoom";
    expect(metrics.value("push_manager_broadcast_nodes_total", { api })).toBe(2 * PUSHES);
    expect(metrics.value("push_manager_broadcast_delivered_total", { api })).toBe(2 * PUSHES);
    expect(metrics.value("push_manager_pushes_total", { api, code: "OK" })).toBe(PUSHES);
  });

  test("takes all three kinds of push, and an error of one is its result's code only", async () => {
    const pushes: StreamPush[] = [
      toRoom("room", "red", "for the room"),
      toRoom("bad room", "", "refused"),
      {
        requestId: "user",
        push: {
          $case: "pushToUser",
          value: PushToUserRequest.fromPartial({
            userId: "user-0",
            content: Buffer.from("for the user"),
          }),
        },
      },
      { requestId: "nothing", push: undefined },
      {
        requestId: "all",
        push: {
          $case: "broadcastMessage",
          value: BroadcastMessageRequest.fromPartial({ content: Buffer.from("for all") }),
        },
      },
      {
        requestId: "bad content",
        push: {
          $case: "broadcastMessage",
          value: BroadcastMessageRequest.fromPartial({
            content: Buffer.from("{"),
            contentType: "application/json",
          }),
        },
      },
    ];
    const results = await cluster.publisher.pushStream(pushes, 2);
    const outcome = ({ requestId, code, report }: StreamResult) => ({
      requestId,
      code,
      sessions: report?.sessionsDelivered,
    });
    expect(results.map(outcome)).toHaveLength(pushes.length);
    expect(results.map(outcome)).toEqual(
      expect.arrayContaining([
        { requestId: "room", code: status.OK, sessions: 2 },
        { requestId: "bad room", code: status.INVALID_ARGUMENT, sessions: undefined },
        { requestId: "user", code: status.OK, sessions: 1 },
        { requestId: "nothing", code: status.INVALID_ARGUMENT, sessions: undefined },
        { requestId: "all", code: status.OK, sessions: 2 },
        { requestId: "bad content", code: status.INVALID_ARGUMENT, sessions: undefined },
      ]),
    );
    for (const result of results) {
      const isOk = result.code === status.OK;
      expect(result.error === "").toBe(isOk);
      expect(result.messageId === "").toBe(!isOk);
    }
    const [first, second] = clients;
    await Promise.all(clients.map((client) => client.message("for all")));
    expect(first?.texts.slice(PUSHES).sort()).toEqual(["for all", "for the room", "for the user"]);
    expect(second?.texts.slice(PUSHES).sort()).toEqual(["for all", "for the room"]);
  });

  test("delivers a key once, however often it is pushed", async () => {
    const pushes = Array.from({ length: 20 }, (_, n) => {
      const value = PushToRoomRequest.fromPartial({
        roomId: "red",
        content: Buffer.from(`once ${n}`),
        idempotencyKey: "the same",
      });
      return { requestId: String(n), push: { $case: "pushToRoom", value } } as const;
    });
    const results = await cluster.publisher.pushStream(pushes, 5);
    expect(results).toHaveLength(pushes.length);
    expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(1);
    await cluster.publisher.pushToRoom({ roomId: "red", content: "end" });
    for (const client of clients) {
      await client.message("end");
      expect(client.texts.filter((text) => text.startsWith("once "))).toEqual(["once 0"]);
    }
  });
});
