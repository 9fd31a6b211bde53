import type { Clock } from "./clock.ts";
import type { Warning } from "./warning.ts";
import type { WebSocketConstructor } from "./web-socket.ts";

/** How to connect. */
export interface ConnectOptions {
  /** The WebSocket endpoint, `wss://host/ws`. A function is called for each connection. */
  readonly url: string | (() => string | Promise<string>);
  /** Who this is, where the server believes it (`AUTH_MODE=none`). */
  readonly userId?: string;
  /** The JSON Web Token that says who this is. A function is called for each connection. */
  readonly token?: string | (() => string | Promise<string>);
  /** @default the global `WebSocket` */
  readonly WebSocket?: WebSocketConstructor;
  /**
   * The shortest wait before a new connection, in milliseconds. The longest doubles with each
   * failure; what is waited is random between the two.
   * @default 500
   */
  readonly minDelayMs?: number;
  /** The longest wait before a new connection, in milliseconds. @default 30000 */
  readonly maxDelayMs?: number;
  /** @default `console.warn` */
  readonly onWarning?: (warning: Warning) => void;
  /** @default that of the device */
  readonly clock?: Clock;
  /** From 0 up to and without 1. @default `Math.random` */
  readonly random?: () => number;
}
