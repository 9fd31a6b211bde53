import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openSocket } from "./web-socket.ts";

/** What a handshake comes to at a server that is no node. */
async function opening(answer: RequestListener) {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return await openSocket({
    url: `ws://127.0.0.1:${port}/ws`,
    identity: { token: undefined, userId: "ann" },
    timeoutMs: 200,
  });
}

test("an ordinary page is told with its status, and with who sent it", async () => {
  const refused = await opening((_request, response) => {
    response.writeHead(404, { server: "nginx" }).end("<html>");
  });
  expect(refused).toEqual({
    opened: false,
    status: 404,
    server: "nginx",
    problem: "HTTP 404",
  });
});

test("an answer that never ends is cut off", async () => {
  const refused = await opening((_request, response) => {
    response.writeHead(200).write("and then ");
  });
  expect(refused).toMatchObject({ opened: false, status: 200 });
});

test("no answer at all ends with the time", async () => {
  expect(await opening(() => {})).toMatchObject({
    opened: false,
    problem: expect.stringMatching(/timed out/),
  });
});
