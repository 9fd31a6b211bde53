import { PushError, type PushReport } from "@pushcast/api";
import { describe, expect, test } from "vitest";
import { answerPush, type PushRequest, type PushTarget } from "./push-endpoint.ts";

const REPORT: PushReport = {
  nodesTotal: 2,
  nodesAcked: 1,
  nodesMatched: 1,
  sessionsDelivered: 3,
  sessionsLagging: 0,
  nodesDuplicate: 0,
  failures: [
    {
      nodeId: "node-2",
      reason: "LINK_DOWN",
      message: "connection refused",
    },
  ],
};

async function* chunks(...texts: string[]): AsyncIterable<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

const request = (query: string, more: Partial<PushRequest> = {}): PushRequest => ({
  method: "POST",
  query: new URLSearchParams(query),
  contentType: undefined,
  body: chunks("Hello"),
  ...more,
});

/** Answers a request and tells what was pushed. */
async function answered(asked: PushRequest, failure?: PushError) {
  const pushed: { target: PushTarget; content: Buffer; contentType: string }[] = [];
  const answer = await answerPush(asked, {
    maxContentBytes: 10,
    push: async (target, content, contentType) => {
      pushed.push({ target, content, contentType });
      if (failure !== undefined) throw failure;
      return { messageId: "9f2c4e6a8b0d1357-1", report: REPORT };
    },
  });
  return { ...answer, pushed };
}

describe("a push", () => {
  test.each([
    ["room=lobby", { kind: "room", roomId: "lobby" }],
    ["room=a%2Fb+c", { kind: "room", roomId: "a/b c" }],
    ["room=", { kind: "room", roomId: "" }],
    ["user=ann", { kind: "user", userId: "ann" }],
    ["user=ann&room=lobby", { kind: "user", userId: "ann", roomId: "lobby" }],
    ["all", { kind: "all" }],
    ["all=", { kind: "all" }],
  ])("with ?%s goes to that target", async (query, target) => {
    const { status, pushed } = await answered(request(query));
    expect(status).toBe(200);
    expect(pushed).toEqual([{ target, content: Buffer.from("Hello"), contentType: "text/plain" }]);
  });

  test("is answered with the message's id and the report, failures by name", async () => {
    const { body } = await answered(request("room=lobby"));
    expect(body).toEqual({
      message_id: "9f2c4e6a8b0d1357-1",
      report: {
        nodes_total: 2,
        nodes_acked: 1,
        nodes_matched: 1,
        sessions_delivered: 3,
        sessions_lagging: 0,
        failures: [
          {
            node_id: "node-2",
            reason: "LINK_DOWN",
            message: "connection refused",
          },
        ],
      },
    });
  });

  test("keeps its content type, but for that which curl gives to any text", async () => {
    const typeOf = async (contentType: string) =>
      (await answered(request("all", { contentType }))).pushed[0]?.contentType;
    expect(await typeOf("application/json")).toBe("application/json");
    expect(await typeOf("text/html; charset=utf-8")).toBe("text/html; charset=utf-8");
    expect(await typeOf("application/x-www-form-urlencoded")).toBe("text/plain");
  });

  test("may be as long as the limit", async () => {
    const { status, pushed } = await answered(request("all", { body: chunks("01234", "56789") }));
    expect(status).toBe(200);
    expect(pushed[0]?.content.toString()).toBe("0123456789");
  });
});

describe("bad input", () => {
  test.each([
    ["", "say for whom: ?room=ROOM, ?user=USER or ?all"],
    ["rooms=lobby", 'unknown parameter "rooms"'],
    ["room=a&room=b", "room is said twice"],
    ["all&room=lobby", "all excludes room and user: they are part of it"],
    ["all&user=ann", "all excludes room and user: they are part of it"],
  ])("?%s is a bad query", async (query, message) => {
    const { status, body, pushed } = await answered(request(query));
    expect(status).toBe(400);
    expect(body).toEqual({ error: { code: "QUERY_INVALID", message } });
    expect(pushed).toEqual([]);
  });

  test("another method is refused, and told which is right", async () => {
    const { status, body, headers, pushed } = await answered(request("all", { method: "GET" }));
    expect(status).toBe(405);
    expect(body).toEqual({ error: { code: "METHOD_NOT_ALLOWED", message: "push with POST" } });
    expect(headers).toEqual({ Allow: "POST" });
    expect(pushed).toEqual([]);
  });

  test("a longer body is too large, and read to its end", async () => {
    let read = 0;
    async function* endless(): AsyncIterable<Buffer> {
      for (; read < 50; read += 1) yield Buffer.from("0123");
    }
    const { status, body, pushed } = await answered(request("all", { body: endless() }));
    expect(status).toBe(413);
    expect(body).toEqual({
      error: {
        code: "CONTENT_TOO_LARGE",
        message: "the body must be at most 10 bytes (MAX_CONTENT_BYTES)",
      },
    });
    expect(pushed).toEqual([]);
    expect(read).toBe(50);
  });

  test.each([
    ["INVALID_ARGUMENT", 400],
    ["RESOURCE_EXHAUSTED", 429],
    ["UNAVAILABLE", 503],
    ["DEADLINE_EXCEEDED", 504],
    ["INTERNAL", 502],
  ] as const)("what the manager refuses with %s is %i, by its reason", async (code, http) => {
    const failure = new PushError(code, "SOME_CODE", "so it is");
    const answer = await answered(request("all"), failure);
    expect(answer.status).toBe(http);
    expect(answer.body).toEqual({ error: { code: "SOME_CODE", message: "so it is" } });
  });

  test("what gRPC itself refuses has gRPC's name", async () => {
    const failure = new PushError("UNAVAILABLE", "", "gone");
    const { body } = await answered(request("all"), failure);
    expect(body).toEqual({ error: { code: "UNAVAILABLE", message: "gone" } });
  });
});
