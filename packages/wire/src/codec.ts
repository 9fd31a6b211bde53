import type { ClientFrame } from "./client-frame.ts";
import type { CloseReason } from "./close-codes.ts";
import type { ErrorFrame, ServerFrame } from "./server-frame.ts";

export const JSON_SUBPROTOCOL = "pushcast.v1.json";
export const PROTO_SUBPROTOCOL = "pushcast.v1.proto";

export type Subprotocol = typeof JSON_SUBPROTOCOL | typeof PROTO_SUBPROTOCOL;

/** A frame; or the close that answers what is none; or the error that answers a wrong one. */
export type DecodeResult =
  | { readonly ok: true; readonly frame: ClientFrame }
  | { readonly ok: false; readonly close: CloseReason }
  | { readonly ok: false; readonly error: Omit<ErrorFrame, "type"> };

/** The server's side of one subprotocol. Nothing that a client sends makes it throw. */
export interface Codec {
  readonly subprotocol: Subprotocol;
  /** Whether its frames are binary WebSocket frames. */
  readonly binary: boolean;
  decode(data: Buffer, isBinary: boolean): DecodeResult;
  /** The payload of a WebSocket frame. */
  encode(frame: ServerFrame): Buffer;
  /**
   * The whole WebSocket frame, header and payload in one allocation: built once, the same bytes
   * can be written to the socket of every member of a room.
   */
  encodeFramed(frame: ServerFrame): Buffer;
}
