import { once } from "node:events";
import { Client, credentials } from "@grpc/grpc-js";

/** ServerReflectionRequest { list_services: "" } */
const LIST_SERVICES = Buffer.from([0x3a, 0x00]);

/** What a server answers when it is asked for its services; their names stand in it as text. */
export async function listServices(
  grpcAddress: string,
  version: "v1" | "v1alpha" = "v1",
): Promise<string> {
  const client = new Client(grpcAddress, credentials.createInsecure());
  try {
    const method = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const call = client.makeBidiStreamRequest(method, asItIs, asItIs);
    call.write(LIST_SERVICES);
    const [answer] = await once(call, "data");
    call.end();
    return String(answer);
  } finally {
    client.close();
  }
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
