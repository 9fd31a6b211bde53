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

/** Connect-nodes and a push-manager beside them, with their defaults. */
export function pushcast(name: string, setup: string, init: PushcastInit = {}): System {
  const { nodes = 1 } = init;
  return {
    name,
    dialect: "pushcast",
    publisherDialect: "pushcast",
    setup,
    sharesCores: nodes > 1,
    version: () => {
      const file = new URL("../../../package.json", import.meta.url);
      return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
    },
    start: () => start(nodes, init),
  };
}

export interface PushcastInit {
  /** One has the server's core; more share all cores with the rest. @default 1 */
  readonly nodes?: number;
  readonly nodeSettings?: Settings;
  readonly managerSettings?: Settings;
  /** Of the version that is run, built. @default this one's */
  readonly root?: string | undefined;
}

async function start(
  count: number,
  { nodeSettings = {}, managerSettings = {}, root }: PushcastInit,
): Promise<RunningSystem> {
  const nodes: RunningNode[] = [];
  let manager: RunningManager | undefined;
  const close = async () => {
    await Promise.all([...nodes, manager].map((part) => part?.process.close()));
  };
  try {
    for (let n = 0; n < count; n += 1) {
      const settings = {
        REGISTRY: "memory",
        // All clients connect at once.
        HANDSHAKE_BURST: MORE_THAN_ALL_CLIENTS,
        POD_NAME: `node-${n}`,
        ...nodeSettings,
      };
      const node = await startNode(settings, root);
      nodes.push(node);
    }
    const settings = {
      REGISTRY: "static",
      NODES: nodes.map(({ grpcAddress }) => grpcAddress).join(),
      // As in production, not as in tests.
      ACK_TIMEOUT_MS: undefined,
      ...managerSettings,
    };
    manager = await startManager(settings, root);
    if (count === 1) {
      for (const { process } of nodes) pin(process.pid, SERVER_CORE);
      pin(manager.process.pid, LOAD_CORES);
    }
    const linking = new ManagerClient(manager.grpcAddress);
    await linking.untilLinked(nodes.map(({ nodeId }) => nodeId));
    linking.close();
    return {
      clients: nodes.map(({ wsUrl }) => target(new URL(wsUrl).host)),
      publisher: target(manager.grpcAddress),
      servers: nodes.map(({ process }) => process.pid),
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
