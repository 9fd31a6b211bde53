import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Ports, all different, that nobody listens on. */
export async function freePorts<Count extends 1 | 2>(
  count: Count,
  host = "127.0.0.1",
): Promise<Count extends 1 ? [number] : [number, number]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, host);
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports as Count extends 1 ? [number] : [number, number];
}
