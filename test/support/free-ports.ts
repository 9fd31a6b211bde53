import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

interface Ports {
  1: [number];
  2: [number, number];
  3: [number, number, number];
}

/** Ports, all different, that nobody listens on. */
export async function freePorts<Count extends keyof Ports>(
  count: Count,
  host = "127.0.0.1",
): Promise<Ports[Count]> {
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
  return ports as Ports[Count];
}
