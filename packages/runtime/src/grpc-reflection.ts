import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { service as healthDefinition } from "grpc-health-check";

const HEALTH_SERVICE = "grpc.health.v1.Health";

/**
 * Serves reflection, v1 and v1alpha, of the given services and of health.
 *
 * The files of the descriptor set are answered as they are. proto-loader would merge all files of
 * a package into one and name map entries so that Python's protobuf refuses the result.
 *
 * @param descriptorSet a FileDescriptorSet, as `buf build` writes it
 * @param services full names
 */
export function addReflection(
  server: Server,
  descriptorSet: Uint8Array,
  services: readonly string[],
): void {
  const healthFiles = healthDefinition.Check?.requestType.fileDescriptorProtos ?? [];
  // ReflectionService looks only at the files of a definition.
  const definition = {
    format: "Protocol Buffer 3 EnumDescriptorProto" as const,
    type: {},
    fileDescriptorProtos: [...splitDescriptorSet(descriptorSet), ...healthFiles],
  };
  const reflection = new ReflectionService(
    { definition },
    { services: [...services, HEALTH_SERVICE] },
  );
  reflection.addToServer(server);
}

const FILE_FIELD_TAG = (1 << 3) | 2;

/**
 * The serialised FileDescriptorProtos of a FileDescriptorSet, which has no other field than
 * `repeated FileDescriptorProto file = 1`.
 * @throws Error if it is anything else
 */
export function splitDescriptorSet(descriptorSet: Uint8Array): Buffer[] {
  const bytes = Buffer.from(descriptorSet.buffer, descriptorSet.byteOffset, descriptorSet.length);
  const files: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (bytes[offset++] !== FILE_FIELD_TAG) throw new Error("not a FileDescriptorSet");
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[offset++];
      if (byte === undefined || shift > 28) throw new Error("not a FileDescriptorSet");
      length += (byte & 0x7f) * 2 ** shift;
      more = byte >= 0x80;
    }
    if (offset + length > bytes.length) throw new Error("FileDescriptorSet is cut off");
    files.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return files;
}
