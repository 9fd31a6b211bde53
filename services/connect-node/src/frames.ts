import { publicationId, targetKind } from "@pushcast/log";
import { type Codec, keyHash } from "@pushcast/wire";
import type { NodeEntry } from "./node-log.ts";

/**
 * The WebSocket frames of publications: built once a publication and subprotocol, and the same bytes
 * for every session. Bounded by `maxBytes`; the oldest go first and are built anew if a session that
 * lags needs them.
 */
export class FrameCache {
  readonly #maxBytes: number;
  readonly #frames = new Map<NodeEntry, Map<Codec, Buffer>>();
  /** Kept: a new iterator would pass over all that was deleted before it, 40 µs for each eviction. */
  #oldestFirst = this.#frames.entries();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  frame(entry: NodeEntry, codec: Codec): Buffer {
    let frames = this.#frames.get(entry);
    const cached = frames?.get(codec);
    if (cached !== undefined) return cached;
    const frame = buildFrame(entry, codec);
    if (frames === undefined) {
      frames = new Map();
      this.#frames.set(entry, frames);
      // The entry lives on with its frames, also when the log has evicted it.
      this.#bytes += entry.encoded.byteLength;
    }
    frames.set(codec, frame);
    this.#bytes += frame.byteLength;
    this.#evict();
    return frame;
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes && this.#frames.size > 0) {
      const { done, value } = this.#oldestFirst.next();
      if (done === true) {
        this.#oldestFirst = this.#frames.entries();
        continue;
      }
      const [entry, frames] = value;
      this.#bytes -= entry.encoded.byteLength;
      for (const frame of frames.values()) this.#bytes -= frame.byteLength;
      this.#frames.delete(entry);
    }
  }
}

function buildFrame({ publication }: NodeEntry, codec: Codec): Buffer {
  const { roomId, contentType, idempotencyKey, ephemeral } = publication;
  return codec.encodeFramed({
    type: "message",
    id: publicationId(publication),
    ...(roomId === "" ? {} : { room: roomId }),
    target: targetKind(publication),
    contentType,
    content: publication.content,
    at: publication.atMs,
    ...(idempotencyKey === "" ? {} : { key: keyHash(idempotencyKey) }),
    ...(ephemeral ? { ephemeral: true } : {}),
  });
}
