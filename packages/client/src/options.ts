import type { Gap } from "./api.ts";
import type { Clock } from "./clock.ts";
import type { Subprotocol } from "./codec.ts";
import type { Network } from "./network.ts";
import type { Warning } from "./warning.ts";
import type { WebSocketConstructor } from "./web-socket.ts";

/** How to connect. */
export interface ConnectOptions {
  /** The WebSocket endpoint, `wss://host/ws`. A function is called for each connection. */
  readonly url: string | (() => string | Promise<string>);
  /** Who this is, where the server believes it (`AUTH_MODE=none`). */
  readonly userId?: string;
  /**
   * The JSON Web Token that says who this is. A function is called for each connection, and again
   * before the token expires: the connection goes on with the new one. After a close with 4401 it is
   * called once more; if the server refuses that token, too, the client gives up (`TOKEN_REFUSED`).
   */
  readonly token?: string | (() => string | Promise<string>);
  /**
   * Called when messages may be missing: load that room's state, or the user's own, anew. However well
   * all goes, it happens: a laptop sleeps for longer than the servers keep messages.
   */
  readonly onGap: (gap: Gap) => void;
  /** How frames are written; what the app gets is the same. @default "pushcast.v1.json" */
  readonly subprotocol?: Subprotocol;
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
  /**
   * Frames that are sent at once, such as the joins of a client that is back: below `FRAME_BURST` of the
   * connect-nodes. Those beyond wait.
   * @default 900
   */
  readonly frameBurst?: number;
  /** Frames a second from then on: below `FRAME_RATE` of the connect-nodes. @default 80 */
  readonly frameRate?: number;
  /** The most messages that wait in one `for await`; see `Self`. @default 1000 */
  readonly maxBuffered?: number;
  /** @default `console.warn` */
  readonly onWarning?: (warning: Warning) => void;
  /** @default that of the device */
  readonly clock?: Clock;
  /** @default that of the browser; in Node, and where `url` is a loopback address, always online */
  readonly network?: Network;
  /** From 0 up to and without 1. @default `Math.random` */
  readonly random?: () => number;
}
