import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { status } from "@grpc/grpc-js";
import type { InspectResponse } from "@pushcast/api";
import {
  createLogger,
  createOpsServer,
  ManualClock,
  type OpsServer,
  RpcError,
} from "@pushcast/runtime";
import { Registry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import { type FakeNode, fakeNode } from "../../test/fake-nodes.ts";
import { ANYBODY } from "../access/push-access.ts";
import type { TailListener } from "../node-connection.ts";
import type { Push, PushAnswer } from "../push.ts";
import { createConsole } from "./console.ts";
import { ConsoleMetrics } from "./console-metrics.ts";
import { PushFigures } from "./push-figures.ts";

const TOKEN = "correct-horse-battery";
const LIMITS = {
  CONSOLE_MAX_VIEWERS: 2,
  CONSOLE_MAX_TAILS: 1,
  CONSOLE_MAX_FAILURES: 3,
  CONSOLE_TAIL_PER_SECOND: 10,
  CONSOLE_TAIL_CONTENT_BYTES: 100,
  MAX_CONTENT_BYTES: 1000,
};

const servers: OpsServer[] = [];
const opened: IncomingMessage[] = [];

afterEach(async () => {
  for (const response of opened.splice(0)) response.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

interface Asked {
  readonly method?: string;
  /** Undefined ones are left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
}

async function serve({ token }: { token?: string } = {}) {
  const clock = new ManualClock();
  const registry = new Registry();
  const settings = { ...LIMITS, CONSOLE_TOKEN: token };
  const figures = new PushFigures();
  const nodes: FakeNode[] = [fakeNode("node-1")];
  const pushes: Push[] = [];
  const errors: unknown[] = [];
  let answer: PushAnswer | RpcError = new RpcError(status.UNAVAILABLE, "NO_NODES", "none");
  const ops = createOpsServer({
    metrics: registry,
    checks: {},
    routes: createConsole({
      settings,
      files: new Map([["/console", { content: Buffer.from("<page>"), contentType: "text/html" }]]),
      manager: { epoch: "000000000000000a", managerId: "manager-1", version: "1.2.3" },
      fanOut: { nodes, isHeld: false },
      figures,
      publisher: {
        push: (push, _caller, _timeoutMs, onAnswer) => {
          pushes.push(push);
          onAnswer(answer);
        },
      },
      caller: ANYBODY,
      ackTimeoutMs: 1000,
      clock,
      logger: createLogger({ service: "push-manager", level: "silent" }),
      metrics: new ConsoleMetrics(registry, settings),
    }),
    onError: (error) => errors.push(error),
  });
  servers.push(ops);
  const port = await ops.listen("127.0.0.1", 0);
  const host = `localhost:${port}`;
  /** As the page asks, but for what is said. */
  const open = async (path: string, { method = "GET", headers = {}, body = "" }: Asked = {}) => {
    const all = { host, connection: "keep-alive", "x-pushcast-console": "1", ...headers };
    const sent = Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    const asked = request({ host: "127.0.0.1", port, path, method, headers: sent, agent: false });
    asked.end(body);
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    opened.push(response);
    return response;
  };
  const ask = async (path: string, asked?: Asked) => {
    const response = await open(path, asked);
    const body = await text(response);
    return { status: response.statusCode, headers: response.headers, body };
  };
  const push = (message: unknown, headers: Asked["headers"] = {}) =>
    ask("/console/push", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(message),
    });
  const metric = async (name: string, labels: Record<string, string> = {}) => {
    const found = (await registry.getSingleMetric(name)?.get())?.values.find((value) =>
      Object.entries(labels).every(([label, is]) => value.labels[label] === is),
    );
    return found?.value;
  };
  return {
    clock,
    nodes,
    figures,
    pushes,
    errors,
    port,
    host,
    open,
    ask,
    push,
    metric,
    willAnswer: (next: PushAnswer | RpcError) => {
      answer = next;
    },
  };
}

/** The events of a stream, one by one. */
async function* events(response: IncomingMessage): AsyncGenerator<[string, unknown], void> {
  let unread = "";
  for await (const chunk of response.setEncoding("utf8")) {
    unread += chunk;
    for (let end = unread.indexOf("\n\n"); end >= 0; end = unread.indexOf("\n\n")) {
      const [, name = "", data = ""] = /^event: (.*)\ndata: (.*)/.exec(unread) ?? [];
      unread = unread.slice(end + 2);
      yield [name, JSON.parse(data)];
    }
  }
}

async function next(stream: AsyncGenerator<[string, unknown], void>): Promise<[string, unknown]> {
  const { value } = await stream.next();
  if (value === undefined) throw new Error("the stream has ended");
  return value;
}

const DATA = ["/console/samples", "/console/tail?room=r"] as const;

describe("without a token", () => {
  test.each(["localhost", "LOCALHOST:1", "127.0.0.1:9100", "[::1]:9100"])(
    "the page is shown to this machine as %s",
    async (host) => {
      const { ask } = await serve();
      const page = await ask("/console", { headers: { host } });
      expect([page.status, page.body]).toEqual([200, "<page>"]);
    },
  );

  test.each([
    "rebound.example",
    "localhost.example:9100",
    "10.0.0.1:9100",
    "127.0.0.1.example",
    "localhost.",
    "localhost@rebound.example",
    "127.0.0.1:9100:9100",
    "[::1].example",
    "::1",
    "0.0.0.0:9100",
    "2130706433",
  ])("nothing is shown to a site that calls itself %s", async (host) => {
    const { ask, push, metric, pushes } = await serve();
    for (const path of ["/console", ...DATA]) {
      const { status, body } = await ask(path, { headers: { host } });
      expect([status, JSON.parse(body).error.code], path).toEqual([403, "HOST_FORBIDDEN"]);
    }
    expect((await push({}, { host })).status).toBe(403);
    expect(pushes).toEqual([]);
    expect(await metric("push_manager_console_refusals_total", { reason: "HOST_FORBIDDEN" })).toBe(
      4,
    );
  });

  test.each([
    "GET /console HTTP/1.0\r\n\r\n",
    "GET /console HTTP/1.1\r\n\r\n",
    "GET http://localhost/console HTTP/1.1\r\nHost: rebound.example\r\n\r\n",
    "GET http://rebound.example/console HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /console HTTP/1.1\r\nHost: rebound.example\r\nHost: localhost\r\n\r\n",
  ])("nothing is shown where it is not clear who is meant: %j", async (head) => {
    const { port } = await serve();
    const socket = connect(port, "127.0.0.1");
    socket.end(head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 40[034] /);
    expect(answer).not.toContain("<page>");
  });

  test.each(["forwarded", "x-forwarded-for", "x-real-ip", "via"])(
    "nothing is shown to whom a proxy on this machine brings, which says %s",
    async (header) => {
      const { ask } = await serve();
      for (const path of ["/console", ...DATA]) {
        const { status, body } = await ask(path, { headers: { [header]: "127.0.0.1" } });
        expect([status, JSON.parse(body).error.code], path).toEqual([403, "ADDRESS_FORBIDDEN"]);
      }
    },
  );

  test.each([
    "/console/../console/main.js",
    "/console/%2e%2e/package.json",
    "/console/..%2fpackage.json",
    "/console/%00",
    "//console",
    "/console/",
    "/console;/samples",
    "/console/constructor",
    "/__proto__",
  ])("no other file is served: %s", async (path) => {
    const { ask } = await serve();
    expect((await ask(path)).status).toBe(404);
  });

  test.each([
    [{ "x-pushcast-console": undefined }, "HEADER_MISSING"],
    [{ origin: "http://elsewhere.example" }, "ORIGIN_FORBIDDEN"],
    [{ origin: "http://localhost:1" }, "ORIGIN_FORBIDDEN"],
    [{ origin: "null" }, "ORIGIN_FORBIDDEN"],
    [{ "sec-fetch-site": "cross-site" }, "ORIGIN_FORBIDDEN"],
    [{ "sec-fetch-site": "same-site" }, "ORIGIN_FORBIDDEN"],
  ])("a page of another site, with %j, neither reads nor pushes", async (headers, code) => {
    const { ask, push, pushes } = await serve();
    for (const path of DATA) {
      const { status, body } = await ask(path, { headers });
      expect([status, JSON.parse(body).error.code], path).toEqual([403, code]);
    }
    expect(JSON.parse((await push({}, headers)).body).error.code).toBe(code);
    expect(pushes).toEqual([]);
  });

  test("its own page pushes", async () => {
    const { push, host } = await serve();
    const headers = { origin: `http://${host}`, "sec-fetch-site": "same-origin" };
    const { body } = await push({ target: { kind: "all" }, content: "x" }, headers);
    expect(JSON.parse(body).error.code).toBe("NO_NODES");
  });
});

describe("with a token", () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test("the page, which asks for it, is shown to whoever reaches the port", async () => {
    const { ask } = await serve({ token: TOKEN });
    expect((await ask("/console", { headers: { host: "manager.example" } })).status).toBe(200);
  });

  test.each([
    [{}, "TOKEN_MISSING"],
    [{ authorization: `Basic ${TOKEN}` }, "TOKEN_MISSING"],
    [bearer(`${TOKEN}x`), "TOKEN_INVALID"],
    [bearer(TOKEN.slice(1)), "TOKEN_INVALID"],
    [bearer(TOKEN.slice(0, -1)), "TOKEN_INVALID"],
    [bearer(TOKEN.toUpperCase()), "TOKEN_INVALID"],
    [bearer(""), "TOKEN_MISSING"],
    [bearer(`${TOKEN} ${TOKEN}`), "TOKEN_MISSING"],
    [bearer("tök\u00a0en"), "TOKEN_MISSING"],
    [{ "x-forwarded-for": "127.0.0.1" }, "TOKEN_MISSING"],
  ])("also this machine needs it: %j is %s", async (headers, code) => {
    const { ask, push, pushes } = await serve({ token: TOKEN });
    for (const answer of [await ask("/console/samples", { headers }), await push({}, headers)]) {
      expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([401, code]);
      expect(answer.body).not.toContain(TOKEN);
    }
    expect(pushes).toEqual([]);
  });

  test("it opens the data, and a page of another site cannot use it", async () => {
    const { open, ask } = await serve({ token: TOKEN });
    const headers = { host: "manager.example", ...bearer(TOKEN) };
    expect((await open("/console/samples", { headers })).statusCode).toBe(200);
    const foreign = { ...headers, origin: "https://elsewhere.example" };
    expect((await ask("/console/samples", { headers: foreign })).status).toBe(403);
  });

  test("after too many wrong ones none is looked at for a minute, not even the right one", async () => {
    const { ask, open, clock } = await serve({ token: TOKEN });
    const code = async (token: string) => {
      const { status } = await ask("/console/samples", { headers: bearer(token) });
      return status;
    };
    for (let failures = 0; failures < LIMITS.CONSOLE_MAX_FAILURES; failures += 1) {
      expect(await code("wrong")).toBe(401);
    }
    const right = await ask("/console/samples", { headers: bearer(TOKEN) });
    expect([right.status, right.headers["retry-after"]]).toEqual([429, "60"]);
    clock.advance(60_000);
    const later = await open("/console/samples", { headers: bearer(TOKEN) });
    expect(later.statusCode).toBe(200);
  });
});

describe("samples", () => {
  const COUNTS: InspectResponse = {
    nodeId: "node-1",
    sessions: 12,
    users: 10,
    rooms: 3,
    userRooms: [],
    sessionsLagging: 0,
  };

  test("say who the manager is, then how the nodes are and what happened since", async () => {
    const { open, nodes, figures, clock } = await serve();
    for (const node of nodes) node.onInspect = () => Promise.resolve(COUNTS);
    const stream = events(await open("/console/samples"));
    expect(await next(stream)).toEqual([
      "manager",
      expect.objectContaining({ epoch: "000000000000000a", managerId: "manager-1" }),
    ]);
    const [name, first] = await next(stream);
    expect(name).toBe("sample");
    expect(first).toMatchObject({
      pushes: 0,
      nodes: [
        {
          nodeId: "node-1",
          state: "ready",
          zone: "zone-a",
          version: "1.2.3",
          link: "live",
          lag: 0,
          counts: { sessions: 12, users: 10, rooms: 3 },
        },
      ],
    });
    figures.appended(3);
    figures.delivered(5);
    figures.answered(status.OK, 0.004);
    figures.answered(status.PERMISSION_DENIED, 0.001);
    clock.advance(1000);
    expect(await next(stream)).toEqual([
      "sample",
      expect.objectContaining({
        seconds: 1,
        pushes: 1,
        refused: 1,
        deliveries: 5,
        nodeSends: 3,
        nodeMatches: 1,
        latencyMs: {
          p50: expect.closeTo(4, 0),
          p90: expect.closeTo(4, 0),
          p99: expect.closeTo(4, 0),
        },
      }),
    ]);
  });

  test("are taken once for all viewers, and not at all while there is none", async () => {
    const { open, nodes, clock, metric } = await serve();
    let asked = 0;
    for (const node of nodes) {
      node.onInspect = () => {
        asked += 1;
        return Promise.resolve(COUNTS);
      };
    }
    clock.advance(10_000);
    expect(asked).toBe(0);
    const [first, second] = [await open("/console/samples"), await open("/console/samples")];
    expect(await metric("push_manager_console_viewers")).toBe(2);
    const [one, other] = [events(first), events(second)];
    await next(one);
    await next(one);
    await next(other);
    const before = asked;
    clock.advance(1000);
    expect((await next(one))[1]).toEqual((await next(other))[1]);
    expect(asked).toBe(before + 1);
    await Promise.all([one.return(), other.return()]);
    await expect.poll(() => metric("push_manager_console_viewers")).toBe(0);
    clock.advance(10_000);
    expect(asked).toBe(before + 1);
  });

  test("a node that does not answer has no counts", async () => {
    const { open } = await serve();
    const stream = events(await open("/console/samples"));
    await next(stream);
    const [, sample] = await next(stream);
    expect((sample as { nodes: unknown[] }).nodes[0]).not.toHaveProperty("counts");
  });

  test("a viewer that does not read is let go, and makes room for another", async () => {
    const { open, nodes, clock, metric } = await serve();
    nodes.push(...Array.from({ length: 5000 }, (_, index) => fakeNode(`node-${index}`)));
    await open("/console/samples");
    expect(await metric("push_manager_console_viewers")).toBe(1);
    await expect
      .poll(
        () => {
          clock.advance(1000);
          return metric("push_manager_console_viewers");
        },
        { timeout: 10_000 },
      )
      .toBe(0);
  });

  test("have so many viewers at most", async () => {
    const { open, ask } = await serve();
    for (let viewers = 0; viewers < LIMITS.CONSOLE_MAX_VIEWERS; viewers += 1) {
      await open("/console/samples");
    }
    const { status, headers, body } = await ask("/console/samples");
    expect([status, JSON.parse(body).error.code]).toEqual([429, "TOO_MANY_VIEWERS"]);
    expect(headers.connection).toBe("close");
  });

  test("that are refused keep no connection from those who probe", async () => {
    const { ask } = await serve();
    const missing = await ask("/console/samples", { headers: { "x-pushcast-console": undefined } });
    expect([missing.status, missing.headers.connection]).toEqual([403, "close"]);
  });
});

describe("a push", () => {
  test("is handed on as it was asked for, and answered with its report", async () => {
    const { push, pushes, willAnswer, metric } = await serve();
    const report = {
      nodesTotal: 2,
      nodesAcked: 1,
      nodesMatched: 1,
      sessionsDelivered: 3,
      sessionsLagging: 0,
      nodesDuplicate: 0,
      failures: [{ nodeId: "node-2", reason: 2 as const, message: "link is down" }],
    };
    willAnswer({ messageId: "000000000000000a-1", report });
    const { status, body } = await push({
      target: { kind: "user", userId: "ann", roomId: "r" },
      content: "[1]",
      contentType: "application/json",
      idempotencyKey: "k",
      ephemeral: true,
    });
    expect([status, JSON.parse(body)]).toEqual([
      200,
      {
        messageId: "000000000000000a-1",
        report: {
          ...report,
          failures: [{ nodeId: "node-2", reason: "LINK_DOWN", message: "link is down" }],
        },
      },
    ]);
    expect(pushes).toEqual([
      {
        api: "PushToUser",
        roomId: "r",
        userIds: ["ann"],
        excludeUserIds: [],
        content: Buffer.from("[1]"),
        contentType: "application/json",
        idempotencyKey: "k",
        ephemeral: true,
        wait: 1,
      },
    ]);
    expect(await metric("push_manager_console_pushes_total")).toBe(1);
  });

  test.each([
    [new RpcError(status.INVALID_ARGUMENT, "ROOM_INVALID", "because"), 400],
    [new RpcError(status.PERMISSION_DENIED, "ROOM_FORBIDDEN", "because"), 403],
    [new RpcError(status.RESOURCE_EXHAUSTED, "BACK_PRESSURE", "because"), 429],
    [new RpcError(status.UNAVAILABLE, "NO_NODES", "because"), 503],
  ])("that the publisher refuses with %s is answered %d", async (error, http) => {
    const { push, willAnswer } = await serve();
    willAnswer(error);
    const answer = await push({ target: { kind: "all" }, content: "x" });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      http,
      { error: { code: error.pushcastCode, message: "because" } },
    ]);
  });

  test.each([
    ["[]", "BODY_INVALID"],
    ['{"target":{"kind":"galaxy"}}', "BODY_INVALID"],
    ['{"target":{"kind":"room","roomId":7}}', "BODY_INVALID"],
    ["{", "BODY_INVALID"],
  ])("of %s is refused", async (body, code) => {
    const { ask, pushes } = await serve();
    const headers = { "content-type": "application/json" };
    const answer = await ask("/console/push", { method: "POST", headers, body });
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([400, code]);
    expect(pushes).toEqual([]);
  });

  test("must be UTF-8", async () => {
    const { ask } = await serve();
    const headers = { "content-type": "application/json" };
    const body = Buffer.from('{"content":"\xff"}', "latin1");
    const answer = await ask("/console/push", { method: "POST", headers, body });
    expect([answer.status, JSON.parse(answer.body).error.message]).toEqual([
      400,
      "the body is not UTF-8",
    ]);
  });

  test("that breaks off is no error of this process", async () => {
    const { port, host, errors, ask } = await serve();
    const socket = connect(port, "127.0.0.1");
    const head = ["POST /console/push HTTP/1.1", `Host: ${host}`, "X-Pushcast-Console: 1"];
    const rest = ["Content-Type: application/json", "Content-Length: 100", "", ""];
    socket.write([...head, "Expect: 100-continue", ...rest].join("\r\n"));
    await once(socket, "data");
    socket.resetAndDestroy();
    await once(socket, "close");
    expect((await ask("/console")).status).toBe(200);
    expect(errors).toEqual([]);
  });

  test("must be JSON, as a form of another site is not, and not too long", async () => {
    const { push } = await serve();
    expect((await push({}, { "content-type": "text/plain" })).status).toBe(415);
    const { status, body } = await push({ content: "x".repeat(100_000) });
    expect([status, JSON.parse(body).error.code]).toEqual([413, "BODY_TOO_LARGE"]);
  });
});

describe("a tail", () => {
  test("of a bad room, or of one too many, is refused", async () => {
    const { ask, open } = await serve();
    const bad = await ask("/console/tail?room=");
    expect([bad.status, JSON.parse(bad.body).error.code]).toEqual([400, "ROOM_INVALID"]);
    await open("/console/tail?room=r");
    const { status, body } = await ask("/console/tail?room=r");
    expect([status, JSON.parse(body).error.code]).toEqual([429, "TOO_MANY_TAILS"]);
  });

  test("shows so many publications a second, and counts the others", async () => {
    const { open, nodes, clock, metric } = await serve();
    const [node] = nodes;
    if (node === undefined) throw new Error("no node");
    node.onTail = (roomId, listener) => {
      const publications = Array.from({ length: 20 }, (_, index) => ({
        epoch: "000000000000000a",
        seq: BigInt(index + 1),
        roomId,
        content: Buffer.from(`${index}`),
        contentType: "",
        idempotencyKey: "",
        excludeUserIds: [],
        ephemeral: false,
        atMs: 0n,
        userIds: [],
        command: undefined,
      }));
      listener.onResponse({ nodeId: "node-1", publications, skipped: 5n });
      return { close: () => {} };
    };
    const stream = events(await open("/console/tail?room=r%26d"));
    expect(await next(stream)).toEqual(["node", { nodeId: "node-1" }]);
    clock.advance(200);
    const [, message] = await next(stream);
    expect(message).toMatchObject({ skipped: 23 });
    expect((message as { publications: unknown[] }).publications).toHaveLength(2);
    expect(await metric("push_manager_console_tail_skipped_total")).toBe(23);
    expect(await metric("push_manager_console_tails")).toBe(1);
  });

  test("of a viewer that does not read is held back, and what it missed is counted", async () => {
    const { open, nodes, clock, metric } = await serve();
    const [node] = nodes;
    let read: TailListener | undefined;
    if (node === undefined) throw new Error("no node");
    node.onTail = (_roomId, listener) => {
      read = listener;
      return { close: () => {} };
    };
    const response = await open("/console/tail?room=r");
    // More than all buffers between the two take.
    const much = { nodeId: "n".repeat(1024 ** 2), publications: [], skipped: 0n };
    for (let sent = 0; sent < 16; sent += 1) read?.onResponse(much);
    for (let missed = 0; missed < 100; missed += 1) {
      read?.onResponse({ nodeId: "", publications: [], skipped: 1n });
      clock.advance(200);
    }
    expect(await metric("push_manager_console_tails")).toBe(1);
    const stream = events(response);
    let [name, data] = await next(stream);
    while (name === "node") {
      clock.advance(200);
      [name, data] = await next(stream);
    }
    expect([name, data]).toEqual(["publications", { publications: [], skipped: 100 }]);
  });

  test("of a viewer that reads nothing for long is let go", async () => {
    const { open, nodes, clock, metric } = await serve();
    for (const node of nodes) {
      node.onTail = (_roomId, { onResponse }) => {
        const much = { nodeId: "n".repeat(1024 ** 2), publications: [], skipped: 0n };
        for (let sent = 0; sent < 16; sent += 1) onResponse(much);
        return { close: () => {} };
      };
    }
    await open("/console/tail?room=r");
    expect(await metric("push_manager_console_tails")).toBe(1);
    await expect
      .poll(
        () => {
          clock.advance(5000);
          return metric("push_manager_console_tails");
        },
        { timeout: 10_000 },
      )
      .toBe(0);
  });
});
