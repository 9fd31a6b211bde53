import { readFileSync } from "node:fs";
import { ManagerClient } from "../../../test/support/manager-client.ts";
import {
  type RunningManager,
  type RunningNode,
  type Settings,
  startManager,
  startNode,
} from "../../../test/support/processes.ts";
import { LOAD_CORES, pin, SERVER_CORE } from "../cores.ts";
import type { Target } from "../load/messages.ts";
import type { RunningSystem, System } from "./system.ts";

const MORE_THAN_ALL_CLIENTS = 20_000;

/** One connect-node on the server's core and a push-manager beside it, with their defaults. */
export function pushcast(name: string, setup: string, nodeSettings: Settings = {}): System {
  return {
    name,
    dialect: "pushcast",
    publisherDialect: "pushcast",
    setup,
    version: () => {
      const file = new URL("../../../package.json", import.meta.url);
      return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
    },
    start: () => start(nodeSettings),
  };
}

async function start(nodeSettings: Settings): Promise<RunningSystem> {
  let node: RunningNode | undefined;
  let manager: RunningManager | undefined;
  const close = async () => {
    await Promise.all([node?.process.close(), manager?.process.close()]);
  };
  try {
    node = await startNode({
      REGISTRY: "memory",
      // All clients connect at once.
      HANDSHAKE_BURST: MORE_THAN_ALL_CLIENTS,
      ...nodeSettings,
    });
    pin(node.process.pid, SERVER_CORE);
    manager = await startManager({
      REGISTRY: "static",
      NODES: node.grpcAddress,
      // As in production, not as in tests.
      ACK_TIMEOUT_MS: undefined,
    });
    pin(manager.process.pid, LOAD_CORES);
    const linking = new ManagerClient(manager.grpcAddress);
    await linking.untilLinked([node.nodeId]);
    linking.close();
    return {
      clients: [target(new URL(node.wsUrl).host)],
      publisher: target(manager.grpcAddress),
      servers: [node.process.pid],
      beside: [manager.process.pid],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function target(address: string): Target {
  const [host = "", port] = address.split(":");
  return { host, port: Number(port) };
}
