import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { listen } from "@pushcast/runtime";
import { afterEach, expect, test } from "vitest";
import { authzRequest } from "./authz-request.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

/** A biz-server on a port of its own. */
async function bizServer(answer: Answer): Promise<string> {
  server = createServer((request, response) => void answer(request, response));
  const port = await listen(server, { host: "127.0.0.1", port: 0, setting: "the biz-server" });
  return `http://127.0.0.1:${port}/may-join`;
}

const says =
  (status: number, body: string): Answer =>
  (_request, response) =>
    response.writeHead(status).end(body);

async function ask(answer: Answer, { signal = new AbortController().signal } = {}) {
  const request = authzRequest(await bizServer(answer), () => "a.token");
  return request({ userId: "ann", room: "räume/1" }, signal);
}

test("asks with user and room as JSON, and with the token", async () => {
  const asked: unknown[] = [];
  const allow = await ask(async (request, response) => {
    const { method, url, headers } = request;
    asked.push({ method, url, type: headers["content-type"], token: headers.authorization });
    asked.push(JSON.parse(await text(request)));
    response.end('{"allow":true,"because":"friends"}');
  });
  expect(allow).toBe(true);
  expect(asked).toEqual([
    { method: "POST", url: "/may-join", type: "application/json", token: "Bearer a.token" },
    { user_id: "ann", room_id: "räume/1" },
  ]);
});

test("takes a denial", async () => {
  expect(await ask(says(200, '{"allow":false}'))).toBe(false);
});

test.each<[string, Answer]>([
  ["a status of 204", says(204, "")],
  ["a status of 201 that allows", says(201, '{"allow":true}')],
  ["a status of 403", says(403, '{"allow":true}')],
  ["a status of 500", says(500, '{"allow":true}')],
  ["no JSON", says(200, "yes")],
  ["no object", says(200, "true")],
  ["null", says(200, "null")],
  ["a string instead of a boolean", says(200, '{"allow":"true"}')],
  ["a number instead of a boolean", says(200, '{"allow":1}')],
  ["another word", says(200, '{"allowed":true}')],
  ["nothing", says(200, "")],
  ["more than 4 KiB", says(200, `{"allow":true${" ".repeat(4_096)}}`)],
  ["a redirection", (_request, response) => response.writeHead(307, { Location: "/" }).end()],
  ["a cut connection", (request) => request.socket.destroy()],
])("%s is no answer", async (_what, answer) => {
  await expect(ask(answer)).rejects.toThrow();
});

test("asks again where a connection was cut, as one that was kept alive may be", async () => {
  let cuts = 0;
  const allow = await ask((request, response) => {
    cuts += 1;
    if (cuts === 1) request.socket.destroy();
    else response.end('{"allow":true}');
  });
  expect(allow).toBe(true);
});

test("ends with its signal, also where the server has begun to answer", async () => {
  const ended = new AbortController();
  const answer = ask(
    (_request, response) => {
      response.writeHead(200);
      response.write('{"allow":');
      ended.abort();
    },
    { signal: ended.signal },
  );
  await expect(answer).rejects.toThrow();
});
