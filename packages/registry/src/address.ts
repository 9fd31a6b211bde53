/** A host name, an IPv4 address or an IPv6 address in brackets. */
const ADDRESS = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})$/;
const MAX_PORT = 65_535;

/** Whether a text is `host:port`, as a gRPC client can dial it: for anything else it would throw. */
export function isAddress(text: string): boolean {
  // In JavaScript `$` matches only at the very end, so no line break slips through.
  const port = Number(ADDRESS.exec(text)?.[1] ?? 0);
  return port >= 1 && port <= MAX_PORT;
}
