import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, createServer } from "node:net";
import { Counter, Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import type { EventStream } from "./event-stream.ts";
import { ListenError } from "./listen.ts";
import { createOpsServer, type OpsServer, type OpsServerOptions } from "./ops-server.ts";

const servers: OpsServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

async function serve(overrides: Partial<OpsServerOptions> = {}) {
  const errors: unknown[] = [];
  const server = createOpsServer({
    metrics: new Registry(),
    checks: {},
    onError: (error) => errors.push(error),
    ...overrides,
  });
  servers.push(server);
  const port = await server.listen("127.0.0.1", 0);
  const call = async (method: string, path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  };
  return { server, port, errors, call };
}

test("is live as soon as it listens", async () => {
  const { call } = await serve({ checks: { registry: () => "not read yet" } });
  const { status, text } = await call("GET", "/livez");
  expect([status, JSON.parse(text)]).toEqual([200, { status: "live" }]);
});

test("is ready while all its checks are true, and says what is missing", async () => {
  let warm: true | string = "2 managers to come";
  const { call } = await serve({ checks: { registry: () => true, warm: () => warm } });
  const before = await call("GET", "/readyz");
  expect([before.status, JSON.parse(before.text)]).toEqual([
    503,
    { status: "not ready", checks: { registry: "ok", warm: "2 managers to come" } },
  ]);
  warm = true;
  const after = await call("GET", "/readyz?verbose");
  expect([after.status, JSON.parse(after.text)]).toEqual([
    200,
    { status: "ready", checks: { registry: "ok", warm: "ok" } },
  ]);
  expect(after.headers.get("content-type")).toBe("application/json");
});

test("is not ready when a check throws, and does not show why", async () => {
  const bug = new Error("secret detail");
  const { call, errors } = await serve({
    checks: {
      broken: () => {
        throw bug;
      },
    },
  });
  const { status, text } = await call("GET", "/readyz");
  expect(status).toBe(503);
  expect(text).not.toContain("secret");
  expect(errors).toEqual([bug]);
});

test("shows the metrics that it was given, in Prometheus's format", async () => {
  const metrics = new Registry();
  new Counter({ name: "pushes_total", help: "Pushes.", registers: [metrics] }).inc(3);
  const { call } = await serve({ metrics });
  const { status, headers, text } = await call("GET", "/metrics");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe(Registry.PROMETHEUS_CONTENT_TYPE);
  expect(text).toMatch(/^pushes_total 3$/m);
});

test("answers HEAD with the headers only", async () => {
  const { call } = await serve({ checks: { never: () => "no" } });
  const { status, headers, text } = await call("HEAD", "/readyz");
  expect([status, text]).toEqual([503, ""]);
  expect(Number(headers.get("content-length"))).toBeGreaterThan(0);
});

test.each(["/livez", "/readyz", "/metrics"])("refuses to be written to at %s", async (path) => {
  const { call } = await serve();
  const { status, headers, text } = await call("POST", path);
  expect([status, headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  expect(JSON.parse(text).error.code).toBe("METHOD_NOT_ALLOWED");
});

test("answers an unknown path with 404 and an error as JSON", async () => {
  const { call } = await serve();
  for (const path of ["/", "/livez/", "/LIVEZ", "//", "/constructor"]) {
    const { status, text } = await call("GET", path);
    expect([status, JSON.parse(text)], path).toEqual([
      404,
      { error: { code: "NOT_FOUND", message: "no such path" } },
    ]);
  }
});

test("serves the routes that it was given, each with its method only", async () => {
  const { call } = await serve({
    routes: {
      "POST /drain": (request) => ({
        status: 202,
        body: { from: request.socket.remoteAddress, token: request.headers.authorization ?? null },
      }),
    },
  });
  const posted = await call("POST", "/drain");
  expect([posted.status, JSON.parse(posted.text)]).toEqual([
    202,
    { from: "127.0.0.1", token: null },
  ]);
  const got = await call("GET", "/drain");
  expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
});

test("serves files with headers of their own, also to HEAD", async () => {
  const { call } = await serve({
    routes: {
      "GET /page": () => ({
        content: Buffer.from("<p>é"),
        contentType: "text/html; charset=utf-8",
        headers: { "X-Frame-Options": "DENY" },
      }),
    },
  });
  const got = await call("GET", "/page");
  expect([got.status, got.text]).toEqual([200, "<p>é"]);
  expect(got.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(got.headers.get("x-frame-options")).toBe("DENY");
  const head = await call("HEAD", "/page");
  expect([head.status, head.text, head.headers.get("content-length")]).toEqual([200, "", "5"]);
});

test("serves events for as long as both sides like, and ends them when it closes", async () => {
  let opened = (_stream: EventStream) => {};
  const stream = new Promise<EventStream>((resolve) => {
    opened = resolve;
  });
  const { server, call } = await serve({ routes: { "GET /events": () => ({ events: opened }) } });
  const answer = call("GET", "/events");
  const events = await stream;
  const closed = new Promise<void>((resolve) => events.onClose(resolve));
  events.send("line", { text: "one\ntwo" });
  events.send("end", null);
  await server.close(60_000);
  const { status, headers, text } = await answer;
  expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  expect(text).toBe('event: line\ndata: {"text":"one\\ntwo"}\n\nevent: end\ndata: null\n\n');
  await closed;
  // Whoever sends has nobody to tell that it is over.
  events.send("late", 1);
  events.close();
});

test("tells that the reader of events has gone", async () => {
  let opened = (_stream: EventStream) => {};
  const stream = new Promise<EventStream>((resolve) => {
    opened = resolve;
  });
  const { port } = await serve({ routes: { "GET /events": () => ({ events: opened }) } });
  const asked = request({ host: "127.0.0.1", port, path: "/events" }).end();
  await once(asked, "response");
  const closed = new Promise<void>((resolve) => void stream.then((it) => it.onClose(resolve)));
  asked.destroy();
  await closed;
  await new Promise<void>((resolve) => void stream.then((it) => it.onClose(resolve)));
});

test("ends events whose handler throws", async () => {
  const bug = new Error("secret detail");
  const events = () => {
    throw bug;
  };
  const { call, errors } = await serve({ routes: { "GET /events": () => ({ events }) } });
  const { status, text } = await call("GET", "/events");
  expect([status, text]).toEqual([200, ""]);
  expect(errors).toEqual([bug]);
});

test("drops a reader of events that does not read", async () => {
  let opened = (_stream: EventStream) => {};
  const stream = new Promise<EventStream>((resolve) => {
    opened = resolve;
  });
  const { port } = await serve({ routes: { "GET /events": () => ({ events: opened }) } });
  const asked = request({ host: "127.0.0.1", port, path: "/events", agent: false });
  asked.on("error", () => {}).end();
  const events = await stream;
  const closed = new Promise<void>((resolve) => events.onClose(resolve));
  // More than all buffers between the two take.
  for (let sent = 0; sent < 16; sent += 1) events.send("line", "x".repeat(1024 ** 2));
  expect(events.unsentBytes).toBeGreaterThan(0);
  events.drop();
  await closed;
  expect(events.unsentBytes).toBe(0);
});

test("answers 500 to what a route throws, without its words", async () => {
  const bug = new Error("secret detail");
  const { call, errors } = await serve({ routes: { "POST /drain": () => Promise.reject(bug) } });
  const { status, text } = await call("POST", "/drain");
  expect([status, JSON.parse(text)]).toEqual([
    500,
    { error: { code: "INTERNAL", message: "internal error" } },
  ]);
  expect(errors).toEqual([bug]);
});

test("refuses headers of more than 8 KiB", async () => {
  const { port } = await serve();
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET /livez HTTP/1.1\r\nHost: ops\r\nX-Long: ${"x".repeat(9_000)}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 431 /);
  socket.destroy();
});

test("close ends connections that are kept alive", async () => {
  const { server, port } = await serve();
  const agent = new Agent({ keepAlive: true });
  const [response] = (await once(
    request({ host: "127.0.0.1", port, path: "/livez", agent }).end(),
    "response",
  )) as [IncomingMessage];
  const ended = once(response.socket, "close");
  response.resume();
  await once(response, "end");
  await server.close();
  await ended;
  agent.destroy();
});

test("close lets a request that is under way end, and ends its connection", async () => {
  let finish = () => {};
  const pending = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let begun = () => {};
  const reached = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { server, call } = await serve({
    routes: {
      "POST /drain": async () => {
        begun();
        await pending;
        return { status: 202, body: {} };
      },
    },
  });
  const answer = call("POST", "/drain");
  await reached;
  const closed = server.close(60_000);
  finish();
  expect(await answer).toMatchObject({ status: 202 });
  expect((await answer).headers.get("connection")).toBe("close");
  await closed;
});

test("close cuts a request off that takes longer than the grace", async () => {
  let begun = () => {};
  const reached = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { server, call } = await serve({
    routes: {
      "POST /drain": () => {
        begun();
        return new Promise(() => {});
      },
    },
  });
  const answer = call("POST", "/drain");
  const refused = expect(answer).rejects.toThrow("fetch failed");
  await reached;
  await server.close(1);
  await refused;
});

test("close of a server that never listened is done at once", async () => {
  await createOpsServer({ metrics: new Registry(), checks: {}, onError: () => {} }).close();
});

test("names the setting and the port when the port is taken", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const server = createOpsServer({ metrics: new Registry(), checks: {}, onError: () => {} });
  const error = await server.listen("127.0.0.1", port).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ListenError);
  expect(error).toMatchObject({
    setting: "OPS_PORT",
    port,
    problem: "address already in use",
    message: `cannot listen on OPS_PORT=${port}: address already in use`,
  });
  taken.close();
});

test("says when the host is not one of this machine's", async () => {
  const server = createOpsServer({ metrics: new Registry(), checks: {}, onError: () => {} });
  await expect(server.listen("192.0.2.1", 0)).rejects.toMatchObject({
    problem: "no such address on this machine",
  });
});
