import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Histogram } from "@pushcast/cli/measuring";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { until } from "../../../test/support/until.ts";
import { monotonicMicros, writeContent } from "./content.ts";
import { DIALECTS } from "./dialects.ts";
import { LoadClient } from "./load-client.ts";

/** One client of each dialect in its room, and the server's end. */
async function withClient(
  dialect: "plain" | "nats",
  use: (client: LoadClient, socket: WebSocket, latencies: Histogram) => Promise<void>,
): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const latencies = new Histogram();
  const client = new LoadClient(
    { host: "127.0.0.1", port, dialect: DIALECTS[dialect], room: "room-0", number: 0 },
    latencies,
  );
  const connection = once(server, "connection");
  const opened = client.open();
  const [socket] = (await connection) as [WebSocket];
  if (dialect === "nats") socket.send("PONG\r\n");
  await opened;
  await use(client, socket, latencies);
  const closed = once(socket, "close");
  socket.terminate();
  await closed;
  await until("the client is closed", () => client.isClosed);
  await new Promise((resolve) => server.close(resolve));
}

function content(n: number): string {
  return writeContent(n, monotonicMicros());
}

test("counts what it got and what it did not, wherever in a frame the content stands", () =>
  withClient("plain", async (client, socket, latencies) => {
    socket.send(content(0));
    socket.send(`{"content":"${content(1)}"}`);
    socket.send(content(1));
    socket.send("no content");
    socket.send(content(3));
    await until("three deliveries", () => client.sequence.received === 3);
    expect(client.sequence.repeated).toBe(1);
    expect(client.sequence.lost).toBe(1);
    expect(latencies.max).toBeGreaterThan(0);
    expect(latencies.max).toBeLessThan(60e6);
  }));

test("finds messages of a stream in one frame, and one that begins in a frame and ends in the next", () =>
  withClient("nats", async (client, socket) => {
    const stream = [0, 1, 2, 3].map((n) => `MSG room-0 1 128\r\n${content(n)}\r\n`).join("");
    let sent = 0;
    for (const end of [300, 310, 500, stream.length]) {
      socket.send(stream.slice(sent, end));
      sent = end;
    }
    await until("four deliveries", () => client.sequence.received === 4);
    expect(client.sequence.lost + client.sequence.repeated + client.sequence.outOfOrder).toBe(0);
  }));
