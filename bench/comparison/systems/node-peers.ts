import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { LOAD_CORES } from "../cores.ts";
import { matched } from "./daemons.ts";
import { startServer } from "./server-process.ts";
import type { RunningSystem, System } from "./system.ts";

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

/** The publisher is connected to the first node, the clients to both. */
export const socketIoWithRedis: System = {
  ...socketIo,
  name: "socket.io, 2 nodes, Redis",
  version: () => {
    const adapter = versionOf("@socket.io/redis-adapter", PEERS);
    const redisVersion = matched("redis-server", ["--version"], /v=(\S+)/);
    return `${socketIo.version()}, adapter ${adapter}, Redis ${redisVersion}`;
  },
  setup: "as above, with its Redis adapter; both nodes on the server's core, Redis beside the load",
  start: async () => {
    const started: RunningSystem[] = [];
    const close = async () => {
      await Promise.all(started.map((system) => system.close()));
    };
    try {
      const redis = await startServer(
        ({ ws }) => ({
          command: "redis-server",
          args: ["--port", String(ws), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
          publishesTo: "ws",
        }),
        LOAD_CORES,
      );
      started.push(redis);
      const environment = { REDIS_URL: `redis://127.0.0.1:${redis.publisher.port}` };
      const first = await startNodeServer("socket-io", environment);
      started.push(first);
      const second = await startNodeServer("socket-io", environment);
      started.push(second);
      return {
        clients: [...first.clients, ...second.clients],
        publisher: first.publisher,
        servers: [...first.servers, ...second.servers],
        beside: redis.servers,
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

function startNodeServer(server: string, environment: Readonly<Record<string, string>> = {}) {
  const file = fileURLToPath(new URL(`../servers/${server}.ts`, import.meta.url));
  return startServer(({ ws }) => ({
    command: process.execPath,
    args: ["--import", "tsx", file, String(ws)],
    environment: { NODE_ENV: "production", ...environment },
    publishesTo: "ws",
  }));
}

function versionOf(packageName: string, from: URL): string {
  const { version } = createRequire(from)(`${packageName}/package.json`) as { version: string };
  return version;
}
