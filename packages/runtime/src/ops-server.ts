import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { listen } from "./listen.ts";

/** True, or in a few words what is missing. Asked at each request, so it must be cheap. */
export type ReadinessCheck = () => true | string;

export interface OpsResponse {
  status: number;
  /** Sent as JSON. */
  body: unknown;
}

/** Answers one route. What it throws is answered by 500 and handed to `onError`. */
export type OpsHandler = (request: IncomingMessage) => OpsResponse | Promise<OpsResponse>;

export interface OpsServerOptions {
  /** What `/metrics` shows. */
  metrics: Registry;
  /** By name; `/readyz` is 200 while all of them are true. */
  checks: Readonly<Record<string, ReadinessCheck>>;
  /** Further routes, by method and path: `"POST /drain"`. */
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
  body: string;
  headers?: Readonly<Record<string, string>>;
}

type Route = (request: IncomingMessage) => Reply | Promise<Reply>;

const MAX_HEADER_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
const CLOSE_GRACE_MS = 1_000;

/** `/livez`, `/readyz` and `/metrics` over HTTP, for the kubelet and Prometheus. */
export function createOpsServer(options: OpsServerOptions): OpsServer {
  const routes = routeTable(options);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let reply: Reply;
    try {
      reply = await route(routes, request);
    } catch (error) {
      options.onError(error);
      reply = errorReply(500, "INTERNAL", "internal error");
    }
    // A connection that was kept alive would hold up close().
    if (!server.listening) response.setHeader("Connection", "close");
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
    add(method, path, async (request) => {
      const { status, body } = await handler(request);
      return jsonReply(status, body);
    });
  }
  return table;
}

function route(
  table: Map<string, Map<string, Route>>,
  request: IncomingMessage,
): Reply | Promise<Reply> {
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
