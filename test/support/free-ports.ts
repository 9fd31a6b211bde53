import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

interface Ports {
  1: [number];
  2: [number, number];
  3: [number, number, number];
}

/**
 * Below the ports that Linux gives to connections and to listeners on port 0 (from 32768 on): one of
 * these could be taken by any process of the machine before the test's own listens on it.
 */
const FIRST_PORT = 10_000;
const END_PORT = 32_768;

/** Ports, all different, that nobody listens on. */
export async function freePorts<Count extends keyof Ports>(
  count: Count,
  host = "127.0.0.1",
): Promise<Ports[Count]> {
  const taken: { port: number; server: Server }[] = [];
  while (taken.length < count) {
    const port = randomInt(FIRST_PORT, END_PORT);
    const server = createServer();
    if (await listens(server, port, host)) taken.push({ port, server });
  }
  for (const { server } of taken) {
    server.close();
    await once(server, "close");
  }
  return taken.map(({ port }) => port) as Ports[Count];
}

/** Whether the port was free. */
async function listens(server: Server, port: number, host: string): Promise<boolean> {
  server.listen(port, host);
  try {
    await once(server, "listening");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
}
