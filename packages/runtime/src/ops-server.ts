import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { type EventStream, openEventStream } from "./event-stream.ts";
import { listen } from "./listen.ts";

/** True, or in a few words what is missing. Asked at each request, so it must be cheap. */
export type ReadinessCheck = () => true | string;

export interface OpsResponse {
  status: number;
  /** Sent as JSON. */
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** A file, answered with 200. */
export interface OpsFile {
  content: Buffer;
  contentType: string;
  headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on, as Server-Sent Events. */
export interface OpsEvents {
  /** Called when the head of the answer has been written. What it throws is handed to `onError`, and ends the answer. */
  events: (stream: EventStream) => void;
  headers?: Readonly<Record<string, string>>;
}

export type OpsAnswer = OpsResponse | OpsFile | OpsEvents;

/** Answers one route. What it throws is answered by 500 and handed to `onError`. */
export type OpsHandler = (request: IncomingMessage) => OpsAnswer | Promise<OpsAnswer>;

export interface OpsServerOptions {
  /** What `/metrics` shows. */
  metrics: Registry;
  /** By name; `/readyz` is 200 while all of them are true. */
  checks: Readonly<Record<string, ReadinessCheck>>;
  /** Further routes, by method and path: `"POST /drain"`. What GET has, HEAD has too. */
  routes?: Readonly<Record<string, OpsHandler>>;
  /** Gets what a handler, a check or a metric threw, for the log. */
  onError(error: unknown): void;
  /** Connections beyond these are dropped. @default 256 */
  maxConnections?: number;
}

export interface OpsServer {
  /**
   * @param port 0 is any free one
   * @returns the real port
   * @throws ListenError
   */
  listen(host: string, port: number): Promise<number>;
  /** Answers what is under way, for at most `graceMs`, and ends all connections. */
  close(graceMs?: number): Promise<void>;
}

interface Reply {
  status: number;
  contentType: string;
  body: string | Buffer;
  headers?: Readonly<Record<string, string>>;
}

type Route = (request: IncomingMessage) => Reply | OpsEvents | Promise<Reply | OpsEvents>;

const MAX_HEADER_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
const CLOSE_GRACE_MS = 1_000;

/** `/livez`, `/readyz` and `/metrics` over HTTP, for the kubelet and Prometheus. */
export function createOpsServer(options: OpsServerOptions): OpsServer {
  const routes = routeTable(options);
  const streams = new Set<EventStream>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let reply: Reply | OpsEvents;
    try {
      reply = await route(routes, request);
    } catch (error) {
      options.onError(error);
      reply = errorReply(500, "INTERNAL", "internal error");
    }
    // A connection that was kept alive would hold up close().
    if (!server.listening) response.setHeader("Connection", "close");
    if ("events" in reply) {
      if (request.method === "HEAD" || !server.listening) {
        response.writeHead(200, reply.headers).end();
        return;
      }
      const stream = openEventStream(response, reply.headers);
      streams.add(stream);
      stream.onClose(() => streams.delete(stream));
      try {
        reply.events(stream);
      } catch (error) {
        options.onError(error);
        stream.close();
      }
      return;
    }
    response.writeHead(reply.status, {
      "Content-Type": reply.contentType,
      "Content-Length": Buffer.byteLength(reply.body),
      "Cache-Control": "no-store",
      ...reply.headers,
    });
    // Node leaves the body of an answer to HEAD out.
    response.end(reply.body);
  };

  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => void answer(request, response),
  );
  server.maxConnections = options.maxConnections ?? 256;

  return {
    listen: (host, port) => listen(server, { host, port, setting: "OPS_PORT" }),
    close: (graceMs = CLOSE_GRACE_MS) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        for (const stream of streams) stream.close();
        server.closeIdleConnections();
      }),
  };
}

/** The routes of each path, by method. */
function routeTable(options: OpsServerOptions): Map<string, Map<string, Route>> {
  const table = new Map<string, Map<string, Route>>();
  const add = (method: string, path: string, route: Route) => {
    const methods = table.get(path) ?? new Map<string, Route>();
    table.set(path, methods.set(method, route));
  };
  const addRead = (path: string, route: Route) => {
    add("GET", path, route);
    add("HEAD", path, route);
  };
  addRead("/livez", () => jsonReply(200, { status: "live" }));
  addRead("/readyz", () => readiness(options));
  addRead("/metrics", async () => ({
    status: 200,
    contentType: options.metrics.contentType,
    body: await options.metrics.metrics(),
  }));
  for (const [name, handler] of Object.entries(options.routes ?? {})) {
    const [method = "", path = ""] = name.split(" ");
    const addBy = method === "GET" ? addRead : (at: string, by: Route) => add(method, at, by);
    addBy(path, async (request) => {
      const answer = await handler(request);
      return "events" in answer ? answer : toReply(answer);
    });
  }
  return table;
}

function toReply(answer: OpsResponse | OpsFile): Reply {
  const headers = answer.headers ?? {};
  if ("content" in answer) {
    return { status: 200, contentType: answer.contentType, body: answer.content, headers };
  }
  return { ...jsonReply(answer.status, answer.body), headers };
}

function route(
  table: Map<string, Map<string, Route>>,
  request: IncomingMessage,
): ReturnType<Route> {
  const path = request.url?.split("?", 1)[0] ?? "";
  const methods = table.get(path);
  if (methods === undefined) return errorReply(404, "NOT_FOUND", "no such path");
  const found = methods.get(request.method ?? "");
  if (found !== undefined) return found(request);
  const allowed = [...methods.keys()].join(", ");
  return {
    ...errorReply(405, "METHOD_NOT_ALLOWED", `allowed here: ${allowed}`),
    headers: { Allow: allowed },
  };
}

function readiness({ checks, onError }: OpsServerOptions): Reply {
  let ready = true;
  const results: Record<string, string> = {};
  for (const [name, check] of Object.entries(checks)) {
    const result = outcome(check, onError);
    if (result !== true) ready = false;
    results[name] = result === true ? "ok" : result;
  }
  return jsonReply(ready ? 200 : 503, { status: ready ? "ready" : "not ready", checks: results });
}

function outcome(check: ReadinessCheck, onError: (error: unknown) => void): true | string {
  try {
    return check();
  } catch (error) {
    onError(error);
    return "the check itself failed";
  }
}

function jsonReply(status: number, body: unknown): Reply {
  return { status, contentType: "application/json", body: `${JSON.stringify(body)}\n` };
}

function errorReply(status: number, code: string, message: string): Reply {
  return jsonReply(status, { error: { code, message } });
}
