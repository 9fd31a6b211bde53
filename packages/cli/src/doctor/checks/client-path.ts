import { type Finding, fail, notChecked, ok, warn } from "../finding.ts";
import type { SocketOpening } from "../probes/web-socket.ts";

/** The idle timeout of common proxies (nginx, AWS) by default. */
const USUAL_IDLE_TIMEOUT_MS = 60_000;

/** Judges a WebSocket handshake, and what came after it. */
export function checkSocket(opening: SocketOpening): Finding[] {
  if (!opening.opened) return [checkRefusal(opening)];
  const { subprotocol, extensions, openMs, welcome } = opening;
  return [
    ok("client-handshake", `101 after ${openMs.toFixed(0)} ms`),
    /^pushcast\.v1\./.test(subprotocol)
      ? ok("client-subprotocol", subprotocol)
      : fail(
          "client-subprotocol",
          subprotocol === "" ? "none was chosen" : `${subprotocol} was chosen`,
          "Something before the node answers the handshake, or takes Sec-WebSocket-Protocol away: see the proxy.",
        ),
    extensions === ""
      ? ok("client-compression", "offered, and not chosen")
      : warn(
          "client-compression",
          `${extensions} was chosen`,
          "No node chooses it: a proxy ends the WebSocket and opens another. Let it pass bytes through.",
        ),
    ...checkWelcome(welcome),
    notChecked(
      "client-idle-timeout",
      "after how long a silence the proxies before the nodes end a connection",
      "It cannot be seen quickly. Keep every timeout (proxy-read-timeout, proxy-send-timeout, idle timeouts of load balancers) above twice HEARTBEAT_MS; docs/kubernetes.md.",
    ),
  ];
}

function checkWelcome(welcome: (SocketOpening & { opened: true })["welcome"]): Finding[] {
  if (welcome === undefined) {
    return [
      fail(
        "client-welcome",
        "the connection is open, but no welcome frame came",
        "A proxy holds the bytes back (response buffering), or the node is overloaded: see its CPU.",
      ),
    ];
  }
  const { nodeId, userId, heartbeatMs } = welcome;
  return [
    ok("client-welcome", `from ${nodeId}, as user ${userId}`),
    heartbeatMs < USUAL_IDLE_TIMEOUT_MS
      ? ok("client-heartbeat", `a ping every ${heartbeatMs} ms`)
      : warn(
          "client-heartbeat",
          `a ping only every ${heartbeatMs} ms`,
          "Many proxies end a connection that is silent for 60 s. Set HEARTBEAT_MS below half of the shortest idle timeout.",
        ),
  ];
}

function checkRefusal({
  status,
  code,
  server,
  retryAfterSeconds,
  problem,
}: SocketOpening & { opened: false }): Finding {
  const check = "client-handshake";
  if (status === undefined) {
    return fail(
      check,
      problem,
      "No HTTP answer: the port is no HTTP port, TLS does not fit (ws:// or wss://), or a proxy has no node behind it.",
    );
  }
  const by = code === undefined ? (server === undefined ? "" : ` by ${server}`) : ` ${code}`;
  const retry = retryAfterSeconds === undefined ? "" : `, Retry-After ${retryAfterSeconds} s`;
  const found = `${status}${by}: ${problem}${retry}`;
  return fail(check, found, adviceFor(status, code));
}

function adviceFor(status: number, code: string | undefined): string {
  if (code === undefined) {
    return status === 502 || status === 503 || status === 504
      ? "The proxy has no node that is ready behind it: see /readyz of the nodes, and the Service's endpoints."
      : "The answer is not a node's: check host and path of --url (/ws), and the proxy's rules.";
  }
  switch (code) {
    case "TOKEN_MISSING":
      return "The nodes want a token (AUTH_MODE=jwt): give one with PUSHCAST_CLIENT_TOKEN or --client-token-file.";
    case "TOKEN_INVALID":
    case "TOKEN_EXPIRED":
    case "TOKEN_REVOKED":
    case "CLAIM_FORBIDDEN":
      return "Give another client token. docs/operations.md, Who a client is, says how nodes verify them.";
    case "NODE_FULL":
      return "All sessions of the node are taken: add nodes (MAX_SESSIONS).";
    case "NODE_STARTING":
    case "NODE_DRAINING":
      return "The load balancer sends clients to a node that is not ready: let its health check be /readyz of the ops port.";
    case "TOKEN_KEYS_UNAVAILABLE":
      return "The node cannot read JWT_JWKS_URL: see connect_node_jwks_failures_total and the node's log.";
    default:
      return "docs/protocol.md lists the answers before the upgrade, with their meaning.";
  }
}
