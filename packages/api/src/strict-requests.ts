import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { MethodDefinition } from "@grpc/grpc-js";

/** Bytes that are no request of their rpc, or have a string that is not UTF-8. */
export class MalformedRequest extends Error {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A reader that throws on strings that are not UTF-8, where the usual one puts U+FFFD: another id. */
export function strictReader(bytes: Uint8Array): BinaryReader {
  return new BinaryReader(bytes, (string) => utf8.decode(string));
}

/**
 * A service whose handlers get a `MalformedRequest` in place of a request that cannot be read. If
 * reading threw, gRPC would answer INTERNAL, as if the fault were the server's.
 */
export function withStrictRequests<Service extends object>(service: Service): Service {
  const methods = Object.entries(service) as [string, MethodDefinition<unknown, unknown>][];
  return Object.fromEntries(
    methods.map(([name, method]) => [
      name,
      { ...method, requestDeserialize: (bytes: Buffer) => readRequest(method, bytes) },
    ]),
  ) as Service;
}

function readRequest(method: MethodDefinition<unknown, unknown>, bytes: Buffer): unknown {
  try {
    // The generated decoders take bytes or a reader; what grpc-js types says of them is bytes only.
    return method.requestDeserialize(strictReader(bytes) as unknown as Buffer);
  } catch (cause) {
    return new MalformedRequest("the message cannot be read as a request of this rpc", { cause });
  }
}
