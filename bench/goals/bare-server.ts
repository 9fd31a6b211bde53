/** A server of Node's alone that upgrades and reads: what a session takes beyond it is pushcast's. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { answerParent } from "../../test/support/child.ts";

const UPGRADED =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

/** What the process of the bare server is told: answered with its port, or the bytes that it holds. */
export type BareServerRequest = "listen" | "held";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const sockets = new Set<Duplex>();

function ignore(): void {}

function listen(): Promise<number> {
  const server = createServer();
  server.on("upgrade", (_request, socket) => {
    sockets.add(socket);
    socket.on("data", ignore);
    socket.on("error", ignore);
    socket.write(UPGRADED);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

answerParent<BareServerRequest>((request): number | Promise<number> => {
  if (request === "listen") return listen();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
});
