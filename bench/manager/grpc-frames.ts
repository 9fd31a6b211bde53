/** In an HTTP/2 stream every gRPC message has a flag, whether it is compressed, and its length before it. */
const GRPC_HEAD_BYTES = 5;

const NO_MESSAGES: readonly Buffer[] = [];

/** One message, whose bytes are those of the parts, as it stands in an HTTP/2 stream. */
export function grpcFrame(parts: readonly Uint8Array[]): Buffer {
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const head = Buffer.alloc(GRPC_HEAD_BYTES);
  head.writeUInt32BE(bytes, 1);
  return Buffer.concat([head, ...parts], GRPC_HEAD_BYTES + bytes);
}

/** What comes on a stream is no gRPC, or more than is taken. */
export class GrpcFrameError extends Error {}

/** Finds the messages in the chunks of an HTTP/2 stream. */
export class GrpcFrameReader {
  readonly #maxBytes: number;
  /** What has come of a message that is not whole. */
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** With fewer there is nothing to be read yet. */
  #neededBytes = GRPC_HEAD_BYTES;

  /** @param maxBytes the longest message that is taken */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The messages that this chunk completes.
   * @throws GrpcFrameError
   */
  read(chunk: Buffer): readonly Buffer[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes < this.#neededBytes) return NO_MESSAGES;
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    const messages: Buffer[] = [];
    for (;;) {
      this.#neededBytes = this.#frameBytes(rest);
      if (rest.byteLength < this.#neededBytes) break;
      messages.push(rest.subarray(GRPC_HEAD_BYTES, this.#neededBytes));
      rest = rest.subarray(this.#neededBytes);
    }
    this.#chunks = rest.byteLength === 0 ? [] : [rest];
    this.#bytes = rest.byteLength;
    return messages;
  }

  /** Of the frame that begins here; of its head, where that is not whole. */
  #frameBytes(bytes: Buffer): number {
    if (bytes.byteLength < GRPC_HEAD_BYTES) return GRPC_HEAD_BYTES;
    if (bytes[0] !== 0) throw new GrpcFrameError("a compressed message, which nobody asked for");
    const length = bytes.readUInt32BE(1);
    if (length > this.#maxBytes) {
      throw new GrpcFrameError(`a message of ${length} bytes; the limit is ${this.#maxBytes}`);
    }
    return GRPC_HEAD_BYTES + length;
  }
}
