import type { ManagerClient } from "./manager-client.ts";
import type { TestClient } from "./ws-client.ts";

let fences = 0;

/**
 * Sends a broadcast and waits until every one of the clients has it: by then each has got what it
 * was to get of the pushes that were answered before.
 */
export async function fence(
  publisher: ManagerClient,
  clients: Iterable<TestClient>,
): Promise<string> {
  fences += 1;
  const content = `fence ${fences}`;
  await publisher.broadcast({ content });
  await Promise.all(Array.from(clients, (client) => client.message(content)));
  return content;
}
