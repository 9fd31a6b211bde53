import { type Client, connect, type WebSocketConstructor } from "@pushcast/client";
import { createConnectNode, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import { createPushManager, pushManagerChecks, pushManagerSettings } from "@pushcast/push-manager";
import { createRegistry, type Registry, RegistryMemory } from "@pushcast/registry";
import { createLogger, requireSettings } from "@pushcast/runtime";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { ManagerClient } from "../support/manager-client.ts";
import { until } from "../support/until.ts";

const logger = createLogger({ service: "test", level: "silent" });
const env = {
  REGISTRY: "memory",
  AUTH_MODE: "none",
  GRPC_PORT: "0",
  OPS_PORT: "0",
  WS_PORT: "0",
  DRAIN_ACCEPT_SECONDS: "0",
};

/** A manager in this process, and what finds its nodes. */
async function startManager() {
  const memory = new RegistryMemory();
  const registry = createRegistry({ kind: "memory", memory }, () => {});
  const settings = requireSettings(pushManagerSettings, env, pushManagerChecks);
  const manager = createPushManager({ settings, registry, logger });
  const { ports } = await manager.start();
  const publisher = new ManagerClient(`127.0.0.1:${ports.grpc}`);
  onTestFinished(async () => {
    publisher.close();
    await manager.stop();
    await registry.close();
  });
  return { registry, publisher };
}

async function startNode(
  registry: Registry,
  name: string,
  drainSeconds: number,
  more: Readonly<Record<string, string>> = {},
) {
  const given = { ...env, POD_NAME: name, DRAIN_SECONDS: String(drainSeconds), ...more };
  const settings = requireSettings(nodeSettings, given, nodeChecks);
  const node = createConnectNode({ settings, registry, logger });
  const { ports } = await node.start();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= node.stop();
    return stopped;
  };
  onTestFinished(stop);
  return { name, url: `ws://127.0.0.1:${ports.ws}/ws`, stop };
}

/** Connects, joins a room, and records what it is told. */
function listen(url: () => string) {
  const told: string[] = [];
  const client: Client = connect({
    url,
    userId: "anna",
    WebSocket: WebSocket satisfies WebSocketConstructor,
    minDelayMs: 20,
    onGap: ({ room }) => told.push(room === undefined ? "gap self" : `gap ${room}`),
  });
  onTestFinished(() => client.close());
  client.on("state", ({ state }) => told.push(state));
  client.self.on("message", ({ content }) => told.push(`self: ${content}`));
  const room = client.room("room");
  room.on("message", ({ content }) => told.push(`room: ${content}`));
  const isOn = (node: string) => client.state.state === "open" && client.state.nodeId === node;
  return { client, told, untilOn: (node: string) => until(`open on ${node}`, () => isOn(node)) };
}

describe("the client with a real node", () => {
  it("hears what is pushed, finds the node that takes over, and is told of the gap", async () => {
    const { registry, publisher } = await startManager();
    let node = await startNode(registry, "node-1", 0);
    const { told, untilOn } = listen(() => node.url);
    await untilOn("node-1");
    await publisher.untilLinked(["node-1"]);
    await publisher.pushToRoom({ roomId: "room", content: "one" });
    await publisher.pushToUser({ userId: "anna", content: "two" });
    await publisher.broadcast({ content: "three" });
    await until("three messages", () => told.includes("self: three"));
    expect(told.splice(0)).toEqual(["resuming", "open", "room: one", "self: two", "self: three"]);

    const first = node;
    node = await startNode(registry, "node-2", 0);
    await publisher.untilLinked(["node-1", "node-2"]);
    await first.stop();
    await untilOn("node-2");
    expect(told.splice(0).filter((word) => word !== "connecting")).toEqual([
      "closed",
      "resuming",
      "gap self",
      "gap room",
      "open",
    ]);

    await publisher.pushToRoom({ roomId: "room", content: "four" });
    await publisher.broadcast({ content: "five" });
    await until("two more messages", () => told.includes("self: five"));
    expect(told).toEqual(["room: four", "self: five"]);
  });

  it("moves to another node when its own is drained, without being closed", async () => {
    const { registry, publisher } = await startManager();
    let node = await startNode(registry, "node-1", 10);
    const { told, untilOn } = listen(() => node.url);
    await untilOn("node-1");
    const first = node;
    node = await startNode(registry, "node-2", 0);
    await publisher.untilLinked(["node-1", "node-2"]);
    told.splice(0);
    // Ends as soon as its last client has left.
    await first.stop();
    await untilOn("node-2");
    await publisher.pushToRoom({ roomId: "room", content: "moved" });
    await until("the message", () => told.includes("room: moved"));
    expect(told.filter((word) => !word.startsWith("gap"))).toEqual(["open", "room: moved"]);
  });

  it("that refuses handshakes waits, and tries again until it is let in", async () => {
    const { registry } = await startManager();
    const rate = { HANDSHAKE_RATE: "2", HANDSHAKE_BURST: "1" };
    const node = await startNode(registry, "node-1", 0, rate);
    const first = listen(() => node.url);
    await first.untilOn("node-1");
    const others = [listen(() => node.url), listen(() => node.url), listen(() => node.url)];
    for (const { untilOn } of others) await untilOn("node-1");
    expect(others.some(({ told }) => told.includes("closed"))).toBe(true);
    expect(first.told).toEqual(["resuming", "open"]);
  });
});
