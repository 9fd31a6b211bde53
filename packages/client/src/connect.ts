import type { Client } from "./api.ts";
import { type ClientInit, PushcastClient } from "./client.ts";
import { systemClock } from "./clock.ts";
import { networkTo } from "./network.ts";
import type { ConnectOptions } from "./options.ts";
import type { Warning } from "./warning.ts";
import { checkUrl, type WebSocketConstructor } from "./web-socket.ts";

/**
 * Connects to Pushcast, and stays connected until it is closed.
 * @throws {TypeError} if the URL is none, `onGap` is missing, a number is out of bounds, or there is no
 *   WebSocket to connect with
 */
export function connect(options: ConnectOptions): Client {
  const init: ClientInit = {
    subprotocol: "pushcast.v1.json",
    // Whether it is there is checked below.
    WebSocket: (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket as never,
    minDelayMs: 500,
    maxDelayMs: 30_000,
    frameBurst: 900,
    frameRate: 80,
    maxBuffered: 1_000,
    clock: systemClock,
    network: networkTo(options.url),
    random: Math.random,
    onWarning: warn,
    ...given(options),
  };
  const { url, onGap, minDelayMs, maxDelayMs } = init;
  if (init.WebSocket === undefined) {
    throw new TypeError("the option WebSocket is needed: there is no global one");
  }
  if (typeof url === "string") checkUrl(url);
  if (typeof onGap !== "function") throw new TypeError("onGap must be a function");
  if (!(minDelayMs > 0 && minDelayMs <= maxDelayMs && Number.isFinite(maxDelayMs))) {
    throw new TypeError("minDelayMs must be above 0 and not above maxDelayMs");
  }
  if (!(init.frameBurst >= 1 && init.frameRate > 0 && init.maxBuffered >= 1)) {
    throw new TypeError("frameBurst, frameRate and maxBuffered must be above 0");
  }
  return new PushcastClient(init);
}

/** Without what is there and undefined, as apps hand on options of their own. */
function given(options: ConnectOptions): ConnectOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as ConnectOptions;
}

function warn({ message, cause }: Warning): void {
  console.warn(`pushcast: ${message}`, cause ?? "");
}
