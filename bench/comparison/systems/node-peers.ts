import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { startServer } from "./server-process.ts";
import type { System } from "./system.ts";

const ROOT = new URL("../../../package.json", import.meta.url);
const PEERS = new URL("../../peers/package.json", import.meta.url);

/** The example of the library's README: for each client of the room, `send`. */
export const wsLoop: System = {
  name: "ws loop",
  dialect: "plain",
  publisherDialect: "plain",
  setup: "`send` of the same Buffer to each client; permessage-deflate off",
  version: () => versionOf("ws", ROOT),
  start: () => startNodeServer("ws-loop"),
};

export const uwebsockets: System = {
  name: "uWebSockets.js",
  dialect: "plain",
  publisherDialect: "plain",
  setup: "`app.publish`; no compression, no limit of back-pressure",
  version: () => versionOf("@trufflesuite/uws-js-unofficial", PEERS),
  start: () => startNodeServer("uws"),
};

export const socketIo: System = {
  name: "socket.io",
  dialect: "socket.io",
  publisherDialect: "socket.io",
  setup: "WebSocket only, no compression, first HTTP request dropped",
  version: () => versionOf("socket.io", PEERS),
  start: () => startNodeServer("socket-io"),
};

function startNodeServer(server: string) {
  const file = fileURLToPath(new URL(`../servers/${server}.ts`, import.meta.url));
  return startServer(({ ws }) => ({
    command: process.execPath,
    args: ["--import", "tsx", file, String(ws)],
    environment: { NODE_ENV: "production" },
    publishesTo: "ws",
  }));
}

function versionOf(packageName: string, from: URL): string {
  const { version } = createRequire(from)(`${packageName}/package.json`) as { version: string };
  return version;
}
