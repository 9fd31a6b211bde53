import type { Subprotocol } from "./codec.ts";

/** What the client needs of a WebSocket: browsers' own, Node's, or that of `ws`. */
export interface WebSocketLike {
  /** The subprotocol that the server has selected. */
  readonly protocol: string;
  /** Set to `arraybuffer`. */
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { code: number; reason: string }) => void,
  ): void;
  addEventListener(type: "error", listener: () => void): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** Browsers cannot set a header: the token goes where the subprotocols are offered. */
const TOKEN_PREFIX = "pushcast.token.";

/** @throws {TypeError} if it is no WebSocket URL */
export function checkUrl(url: string): URL {
  const parsed = new URL(url);
  if (parsed.protocol === "ws:" || parsed.protocol === "wss:") return parsed;
  throw new TypeError(`url must begin with ws:// or wss://, not ${parsed.protocol}//`);
}

/** The URL of one connection. @throws {TypeError} if `url` is no WebSocket URL */
export function connectionUrl(
  url: string,
  { userId, resumes }: { userId: string | undefined; resumes: boolean },
): string {
  const full = checkUrl(url);
  if (userId !== undefined) full.searchParams.set("user_id", userId);
  if (resumes) full.searchParams.set("resume", "1");
  return full.href;
}

/** What a subprotocol may be spelled with. */
const SUBPROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * What a connection offers as subprotocols; JSON also where it is only the second choice.
 * @throws {TypeError} if the token cannot be one, such as `Bearer …`
 */
export function offeredProtocols(subprotocol: Subprotocol, token: string | undefined): string[] {
  const protocols: Set<string> = new Set([subprotocol, "pushcast.v1.json"]);
  if (token !== undefined) {
    // A browser would write it out in its own error.
    if (!SUBPROTOCOL.test(token))
      throw new TypeError("the token has characters that none may have");
    protocols.add(TOKEN_PREFIX + token);
  }
  return [...protocols];
}
