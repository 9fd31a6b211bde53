import type { IncomingMessage } from "node:http";

const FORWARDING_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip", "via"] as const;

/**
 * Whether a request comes from this machine, over loopback. A proxy on this machine brings whoever
 * reaches it; one that says so by none of the usual headers is not noticed.
 */
export function isFromOwnMachine({ socket, headers }: IncomingMessage): boolean {
  if (FORWARDING_HEADERS.some((name) => headers[name] !== undefined)) return false;
  const address = socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  return address === "::1" || address.startsWith("127.");
}
