import type { ClientFrame } from "./client-frame.ts";
import { JSON_SUBPROTOCOL, type Subprotocol } from "./codec.ts";
import { jsonClientCodec } from "./json-client-codec.ts";
import { protoClientCodec } from "./proto-client-codec.ts";
import type { ServerFrameResult } from "./server-frame-rules.ts";

/** The client's side of one subprotocol. Nothing that a server sends makes it throw. */
export interface ClientCodec {
  readonly subprotocol: Subprotocol;
  /** Whether its frames are binary WebSocket frames. */
  readonly binary: boolean;
  /** The payload of a WebSocket frame. */
  encode(frame: ClientFrame): Buffer;
  /**
   * In JSON the bytes of JSON content are not those of the publisher but written anew from the
   * value.
   */
  decode(data: Buffer, isBinary: boolean): ServerFrameResult;
}

export function clientCodec(subprotocol: Subprotocol): ClientCodec {
  return subprotocol === JSON_SUBPROTOCOL ? jsonClientCodec : protoClientCodec;
}
