import { readFrame } from "./frame-reader.ts";
import type { ClientFrame, ServerFrame } from "./frames.ts";
import { decodeJson } from "./json-codec.ts";
import { decodeProto, encodeProto } from "./proto-codec.ts";

/** How frames are written. */
export type Subprotocol = "pushcast.v1.json" | "pushcast.v1.proto";

export function encode(frame: ClientFrame, protocol: string): string | Uint8Array<ArrayBuffer> {
  const { awayMs, ...rest } = frame as ClientFrame & { readonly awayMs?: number };
  const fields = { ...rest, away_ms: awayMs };
  return protocol === "pushcast.v1.proto" ? encodeProto(fields) : JSON.stringify(fields);
}

/**
 * Reads what came on a connection: text is JSON, bytes are Protocol Buffers.
 * @returns undefined for a frame that asks nothing of this client
 * @throws {Error} that says what is wrong with it
 */
export function decode(data: unknown): ServerFrame | undefined {
  // By what it is not: where tests simulate a browser, `ArrayBuffer` is not that of the socket.
  return readFrame(
    typeof data === "string" ? decodeJson(data) : decodeProto(new Uint8Array(data as ArrayBuffer)),
  );
}
