import { WireType } from "@bufbuild/protobuf/wire";
import { status } from "@grpc/grpc-js";
import { StreamPush, strictReader } from "@pushcast/api";
import { RpcError } from "@pushcast/runtime";

const PUSHES = 1;

/**
 * The pushes of one encoded PushStreamRequest. Each is decoded when it is asked for: two bytes make an
 * empty one, so that those of 4 MiB would take hundreds of times as much all at once.
 */
export class StreamPushes {
  readonly #reader: ReturnType<typeof strictReader>;

  constructor(message: Uint8Array) {
    this.#reader = strictReader(message);
  }

  /**
   * The next one, until there is none.
   * @throws RpcError for bytes that are no PushStreamRequest
   */
  next(): StreamPush | undefined {
    const reader = this.#reader;
    try {
      while (reader.pos < reader.len) {
        const [field, wireType] = reader.tag();
        if (field === PUSHES && wireType === WireType.LengthDelimited) {
          return StreamPush.decode(reader, reader.uint32());
        }
        reader.skip(wireType, field);
      }
      return undefined;
    } catch {
      throw new RpcError(
        status.INVALID_ARGUMENT,
        "REQUEST_MALFORMED",
        "the message cannot be read as a PushStreamRequest",
      );
    }
  }
}
