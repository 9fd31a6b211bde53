import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4 } from "node:net";

/** As some proxies write it into `X-Forwarded-For`: with a port, and IPv6 in brackets. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/;
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** A client with IPv6 usually has a whole /64 to itself. */
const GROUPS_OF_NETWORK = 4;
const GROUPS = 8;

/**
 * Whom a handshake counts for: an IPv4 address, or an IPv6 network of 64 bits. It is the connection's,
 * unless that is a trusted proxy's: then `X-Forwarded-For` is read from its end, where the proxies that
 * are trusted have written, up to the first address that is none of them.
 */
export function clientAddress(
  {
    socket,
    headers,
  }: Pick<IncomingMessage, "headers"> & { socket: { remoteAddress?: string | undefined } },
  trusted: BlockList = new BlockList(),
): string {
  let address = plain(socket.remoteAddress ?? "");
  const forwarded = String(headers["x-forwarded-for"] ?? "").split(",");
  while (isIn(trusted, address)) {
    const before = plain(forwarded.pop()?.trim() ?? "");
    // A proxy that says nothing, or no address, is all that is known.
    if (isIP(before) === 0) break;
    address = before;
  }
  return isIP(address) === 6 ? networkOf(address) : address;
}

function isIn(ranges: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && ranges.check(address, version === 4 ? "ipv4" : "ipv6");
}

/** Without a port, a zone, and the form in which a socket for both versions shows IPv4. */
function plain(address: string): string {
  const [, ipv6, ipv4] = WITH_PORT.exec(address) ?? [];
  const [bare = ""] = (ipv6 ?? ipv4 ?? address).split("%", 1);
  return MAPPED_IPV4.exec(bare)?.[1] ?? bare;
}

function networkOf(ipv6: string): string {
  const [head = "", tail] = ipv6.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const rest = tail === "" ? [] : tail.split(":");
    // Dotted IPv4 at the end stands for two groups.
    const restGroups = rest.length + (isIPv4(rest.at(-1) ?? "") ? 1 : 0);
    while (groups.length < GROUPS - restGroups) groups.push("0");
  }
  const network = groups
    .slice(0, GROUPS_OF_NETWORK)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}
