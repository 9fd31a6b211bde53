import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ConnectionListener, nodeConnector } from "./node-connection.ts";

const listener: ConnectionListener = {
  onResponse: () => {},
  onWritable: () => {},
  onEnd: () => {},
};

describe("a node that accepts connections and never answers, as a frozen one does", () => {
  let node: Server;
  let address: string;
  const accepted: Socket[] = [];

  beforeEach(async () => {
    node = createServer((socket) => {
      // Or its end is not noticed.
      socket.resume();
      socket.on("error", () => {});
      accepted.push(socket);
    });
    node.listen(0, "127.0.0.1");
    await once(node, "listening");
    address = `127.0.0.1:${(node.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    for (const socket of accepted.splice(0)) socket.destroy();
    node.close();
    await once(node, "close");
  });

  test("is left with no connection by attempts that were given up", async () => {
    for (let count = 0; count < 6; count += 1) {
      const connection = nodeConnector()(address, listener);
      connection.write(Buffer.from("hello"));
      await once(node, "connection");
      const socket = accepted[count] as Socket;
      const closed = once(socket, "close");
      // Each second time gRPC is known to wait for the handshake: it has sent its part of it.
      if (count % 2 === 0 && socket.bytesRead === 0) await once(socket, "data");
      connection.close();
      await closed;
    }
    expect(accepted).toHaveLength(6);
    expect(accepted.every((socket) => socket.closed)).toBe(true);
  });
});
