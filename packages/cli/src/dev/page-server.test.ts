import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { PushReport } from "@pushcast/api";
import { createLogger } from "@pushcast/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPageServer } from "./page-server.ts";
import type { PushTarget } from "./push-endpoint.ts";

let server: Server;
const REPORT: PushReport = {
  nodesTotal: 0,
  nodesAcked: 0,
  nodesMatched: 0,
  sessionsDelivered: 0,
  sessionsLagging: 0,
  nodesDuplicate: 0,
  failures: [],
};

let pushed: PushTarget[];

beforeEach(async () => {
  pushed = [];
  server = createServer(
    createPageServer({
      push: async (target) => {
        pushed.push(target);
        if (target.kind === "all") throw new Error("no ServiceError");
        return { messageId: "9f2c4e6a8b0d1357-1", report: REPORT };
      },
      maxContentBytes: 100_000,
      logger: createLogger({ service: "page", level: "silent" }),
      describe: () => ({ manager_grpc_port: 1, nodes: [{ id: "node-1", ws_port: 2 }] }),
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  server.close();
  server.closeAllConnections();
});

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** With `node:http`, because fetch sets `Host` itself. */
async function ask(path: string, { method = "GET", headers = {}, body = "" }: Asked = {}) {
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: "127.0.0.1", port, path, method, headers });
  asked.end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

test("serves the page and every file that it names", async () => {
  const page = await ask("/");
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  const named = [...page.body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
  expect(named).toContain("/main.js");
  for (const path of named) expect((await ask(path)).status, path).toBe(200);
});

test("serves every module that a module imports", async () => {
  const seen = new Set(["/main.js"]);
  for (const path of seen) {
    const module = await ask(path);
    expect(module.status, path).toBe(200);
    expect(module.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    for (const [, name] of module.body.matchAll(/from "\.(\/[^"]+)"/g)) seen.add(name ?? "");
  }
  expect([...seen]).toContain("/words.js");
});

test("serves the client in one file, to be imported in a browser's console", async () => {
  const { status, headers, body } = await ask("/pushcast.min.js");
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/javascript; charset=utf-8");
  expect(body).toMatch(/export ?\{[^}]*\bconnect\b/);
});

test("tells the page what to connect to", async () => {
  const { status, body } = await ask("/system.json");
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({
    manager_grpc_port: 1,
    nodes: [{ id: "node-1", ws_port: 2 }],
  });
});

test("pushes, and lets its own page push", async () => {
  const { port } = server.address() as AddressInfo;
  const host = `localhost:${port}`;
  expect((await ask("/push?room=lobby", { method: "POST", body: "Hello" })).status).toBe(200);
  const headers = { Host: host, Origin: `http://${host}` };
  expect((await ask("/push?room=lobby", { method: "POST", headers })).status).toBe(200);
  expect(pushed).toHaveLength(2);
});

test.each([
  ["/push?room=lobby", "POST", { Origin: "http://elsewhere.example" }, "ORIGIN_FORBIDDEN"],
  ["/push?room=lobby", "POST", { Host: "rebound.example" }, "HOST_FORBIDDEN"],
  ["/", "GET", { Host: "rebound.example" }, "HOST_FORBIDDEN"],
  ["/system.json", "GET", { Host: "rebound.example" }, "HOST_FORBIDDEN"],
])("refuses %s of %s with %j", async (path, method, headers, code) => {
  const { status, body } = await ask(path, { method, headers });
  expect(status).toBe(403);
  expect(JSON.parse(body).error.code).toBe(code);
  expect(pushed).toEqual([]);
});

test("knows no other path, and no other method for its files", async () => {
  for (const path of ["/page/main.js", "/..%2fpackage.json", "/push/room"]) {
    const { status, body } = await ask(path);
    expect(status, path).toBe(404);
    expect(JSON.parse(body).error.code).toBe("NOT_FOUND");
  }
  const posted = await ask("/", { method: "POST" });
  expect(posted.status).toBe(405);
  expect(posted.headers.allow).toBe("GET, HEAD");
});

test("a client sees that its body is too large, also if it sends far more", async () => {
  const { status, body } = await ask("/push?room=lobby", {
    method: "POST",
    body: "x".repeat(5_000_000),
  });
  expect(status).toBe(413);
  expect(JSON.parse(body).error.code).toBe("CONTENT_TOO_LARGE");
});

test("says nothing of a fault but that there was one", async () => {
  const { status, body } = await ask("/push?all", { method: "POST", body: "Hello" });
  expect(status).toBe(500);
  expect(JSON.parse(body)).toEqual({ error: { code: "INTERNAL", message: "internal error" } });
});
