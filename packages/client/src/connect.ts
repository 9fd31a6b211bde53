import type { Client } from "./api.ts";
import { PushcastClient } from "./client.ts";
import { systemClock } from "./clock.ts";
import type { ConnectOptions } from "./options.ts";
import { checkUrl, type WebSocketConstructor } from "./web-socket.ts";

/**
 * Connects to Pushcast, and stays connected until it is closed.
 * @throws {TypeError} if the URL is none, a delay is no time, or there is no WebSocket to connect with
 */
export function connect(options: ConnectOptions): Client {
  const { minDelayMs = 500, maxDelayMs = 30_000 } = options;
  const WebSocket =
    options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (WebSocket === undefined) {
    throw new TypeError("there is no global WebSocket: hand one in as the option WebSocket");
  }
  if (typeof options.url === "string") checkUrl(options.url);
  if (!(minDelayMs > 0 && minDelayMs <= maxDelayMs && Number.isFinite(maxDelayMs))) {
    throw new TypeError("minDelayMs must be above 0 and not above maxDelayMs");
  }
  return new PushcastClient({
    ...options,
    WebSocket,
    minDelayMs,
    maxDelayMs,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    onWarning: options.onWarning ?? (({ message, cause }) => warn(message, cause)),
  });
}

function warn(message: string, cause: unknown): void {
  console.warn(`pushcast: ${message}`, ...(cause === undefined ? [] : [cause]));
}
