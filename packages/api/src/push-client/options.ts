import type { Interceptor } from "@grpc/grpc-js";

/** How a {@link PushClient} finds push-managers and calls them. */
export interface PushClientOptions {
  /**
   * Where push-managers are: `host:port`, or `dns:///name:port` for all addresses of a name, as that of a headless
   * Service. With more than one, calls go to those that are connected in turn.
   */
  readonly address: string | readonly string[];
  /** TLS, and who may be trusted. @default none: plain text */
  readonly tls?: PushClientTls;
  /**
   * Sent with each call as `authorization: Bearer …`, for `PUSH_AUTH=token`. A function is asked for each attempt,
   * and may take `attemptMs`.
   * @default none
   */
  readonly token?: string | (() => string | Promise<string>);
  /** A token is sent in plain text, too. Without it a token needs `tls`. @default false */
  readonly insecureToken?: boolean;
  /** How long a call may take with all its attempts, in milliseconds. @default 10000 */
  readonly deadlineMs?: number;
  /**
   * How long one attempt may take, in milliseconds. Of that a push-manager waits for nodes for 80 % at most.
   * @default 3000
   */
  readonly attemptMs?: number;
  /** How often a call is sent at most, the first time included; 1 is never again. @default 20 */
  readonly maxAttempts?: number;
  /**
   * The wait between two attempts, in milliseconds: random, up to a limit that begins at `minMs` and doubles up to
   * `maxMs`. @default { minMs: 50, maxMs: 1000 }
   */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number };
  /**
   * A connection on which nothing came for so long is pinged, in milliseconds; it ends when that is not answered
   * within 3 s. @default 10000
   */
  readonly keepaliveMs?: number;
  /** grpc-js's, for every call. @default none */
  readonly interceptors?: readonly Interceptor[];
}

/** PEM throughout. */
export interface PushClientTls {
  /** Who signs the push-managers' certificates. @default the certificates that Node trusts */
  readonly ca?: string | Buffer;
  /** This client's own certificate, for `PUSH_AUTH=mtls`; with `key`. @default none */
  readonly cert?: string | Buffer;
  /** @default none */
  readonly key?: string | Buffer;
  /** The name for which the push-managers' certificates are. @default that of the address */
  readonly serverName?: string;
}

/** How one call is made. */
export interface CallOptions {
  /** @default the client's */
  readonly deadlineMs?: number;
  /** @default the client's */
  readonly maxAttempts?: number;
  /** Ends the call, and the attempts. What was sent may have been accepted all the same. @default none */
  readonly signal?: AbortSignal;
}

/** How a push is made. */
export interface PushOptions extends CallOptions {
  /**
   * The content's media type. `text/…` must be UTF-8.
   * @default by the content: text/plain, application/octet-stream, application/json
   */
  readonly contentType?: string;
  /**
   * One for each message, at most 128 bytes: repeats of it are delivered once. Give your own where the message may be
   * pushed again later, after a restart of yours for example.
   * @default a new one, the same for all attempts; none with `ephemeral`
   */
  readonly idempotencyKey?: string;
  /**
   * Only for who keeps up at the moment: not kept, never replayed (live audio, cursors, typing). It is sent again only
   * where a push-manager says that it did not take it. @default false
   */
  readonly ephemeral?: boolean;
  /**
   * What is waited for: that the nodes have it, or only that a push-manager has, and the report then says only how
   * many nodes there are. @default "nodes"
   */
  readonly wait?: "nodes" | "none";
}

/** How a push to a room or to all is made. */
export interface ExcludingPushOptions extends PushOptions {
  /** Their sessions do not get it. At most 1,000. @default none */
  readonly excludeUserIds?: readonly string[];
}

/** How a push to a user is made. */
export interface UserPushOptions extends PushOptions {
  /** Only the user's sessions in this room. @default all of the user's sessions */
  readonly roomId?: string;
}

/** How a user is disconnected. */
export interface DisconnectOptions extends CallOptions {
  /** The WebSocket close code, 4000 to 4999. @default 4410, and 4401 with `revokeTokens` */
  readonly code?: number;
  /** At most 123 bytes. @default "" */
  readonly reason?: string;
  /** Also refuses the user's tokens that were issued before now. @default false */
  readonly revokeTokens?: boolean;
}
