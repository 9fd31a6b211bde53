import { publicationId, targetKind } from "@pushcast/log";
import { type Codec, keyHash } from "@pushcast/wire";
import type { NodeEntry } from "./node-log.ts";

/** The frame of a publication in one subprotocol; those in the others follow it. */
interface CachedFrame {
  readonly codec: Codec;
  readonly bytes: Buffer;
  next: CachedFrame | undefined;
}

/** Of a frame besides its bytes, rounded up: most frames are so short that this is most of it. */
const FRAME_OVERHEAD_BYTES = 384;

/**
 * The WebSocket frames of publications: built once a publication and subprotocol, and the same bytes
 * for every session. Bounded by `maxBytes`; the oldest go first and are built anew if a session that
 * lags needs them.
 */
export class FrameCache {
  readonly #maxBytes: number;
  readonly #frames = new Map<NodeEntry, CachedFrame>();
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
    const first = this.#frames.get(entry);
    for (let cached = first; cached !== undefined; cached = cached.next) {
      if (cached.codec === codec) return cached.bytes;
    }
    const bytes = buildFrame(entry, codec);
    if (first === undefined) {
      this.#frames.set(entry, { codec, bytes, next: undefined });
      // The entry lives on with its frames, also when the log has evicted it.
      this.#bytes += entry.bytes;
    } else {
      first.next = { codec, bytes, next: first.next };
    }
    this.#bytes += bytes.byteLength + FRAME_OVERHEAD_BYTES;
    this.#evict();
    return bytes;
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes && this.#frames.size > 0) {
      const { done, value } = this.#oldestFirst.next();
      if (done === true) {
        this.#oldestFirst = this.#frames.entries();
        continue;
      }
      const [entry, first] = value;
      this.#bytes -= entry.bytes;
      for (
        let cached: CachedFrame | undefined = first;
        cached !== undefined;
        cached = cached.next
      ) {
        this.#bytes -= cached.bytes.byteLength + FRAME_OVERHEAD_BYTES;
      }
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
