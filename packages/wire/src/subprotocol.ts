import { type Codec, JSON_SUBPROTOCOL, PROTO_SUBPROTOCOL, type Subprotocol } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";
import { protoCodec } from "./proto-codec.ts";

/** What the entry begins with that carries a browser's token; the rest is the token. */
export const TOKEN_PREFIX = "pushcast.token.";

const CODECS: ReadonlyMap<string, Codec> = new Map([
  [JSON_SUBPROTOCOL, jsonCodec],
  [PROTO_SUBPROTOCOL, protoCodec],
]);

export interface SelectedSubprotocol {
  readonly codec: Codec;
  /** The `Sec-WebSocket-Protocol` of the answer; absent if the client offered no subprotocol. */
  readonly answer?: Subprotocol;
}

/**
 * The subprotocol for the entries of a client's `Sec-WebSocket-Protocol`: the first that is known;
 * JSON if none was offered; undefined if all are unknown. Tokens are not subprotocols.
 */
export function selectSubprotocol(offered: readonly string[]): SelectedSubprotocol | undefined {
  const subprotocols = offered.filter((entry) => !entry.startsWith(TOKEN_PREFIX));
  if (subprotocols.length === 0) return { codec: jsonCodec };
  for (const entry of subprotocols) {
    const codec = CODECS.get(entry);
    if (codec !== undefined) return { codec, answer: codec.subprotocol };
  }
  return undefined;
}
