import { readFileSync } from "node:fs";

export * from "./gen/pushcast/v1/connect_node.ts";
export * from "./gen/pushcast/v1/publication.ts";
export * from "./gen/pushcast/v1/push_manager.ts";

export * from "./push-client/index.ts";
export { MalformedRequest, strictReader, withStrictRequests } from "./strict-requests.ts";

/** The compiled FileDescriptorSet of all protos, as `buf build` writes it; for gRPC reflection. */
export function readDescriptorSet(): Buffer {
  return readFileSync(new URL("../pushcast.binpb", import.meta.url));
}
