import {
  addressRanges,
  type CrossCheck,
  integer,
  ipAddress,
  port,
  type SettingsOf,
  seconds,
  sharedChecks,
  sharedSettings,
  text,
} from "@pushcast/runtime";
import { authChecks, authSettings } from "./auth/auth-settings.ts";
import { roomChecks, roomSettings } from "./rooms/room-settings.ts";

/** Every setting of a connect-node. */
export const nodeSettings = {
  ...sharedSettings,
  WS_PORT: port({ default: 8080, doc: "The port of the WebSocket endpoint." }),
  WS_HOST: text({ default: "0.0.0.0", doc: "The address that the WebSocket endpoint listens on." }),
  GRPC_PORT: port({ default: 50052, doc: "The port that push-managers and peers connect to." }),
  GRPC_TLS_MANAGER_NAME: text({
    default: "push-manager",
    doc: "The DNS name that a certificate must have for links and PushMessageBatch, with TLS.",
  }),
  POD_NAME: text({
    pattern: /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/,
    accepts: "a Kubernetes name",
    doc: "The node's id; else the host name and a random part.",
  }),
  POD_IP: ipAddress({
    doc: "The address under which push-managers reach the node; else 127.0.0.1.",
  }),
  LINK_MAX_UNREAD_OUTCOMES: integer({
    unit: "outcomes",
    min: 100,
    max: 100_000_000,
    default: 100_000,
    doc: "What a push-manager may leave unread of its link, at about 100 bytes each; with more the link is ended. The manager attaches anew, and nothing is lost.",
  }),
  OTEL_SERVICE_NAME: text({ default: "connect-node", doc: "`service.name` of the spans." }),
  ZONE: text({ default: "", doc: "The node's zone, for those who list nodes." }),
  REATTACH_SECONDS: seconds({
    min: 0.1,
    max: 3600,
    default: 10,
    doc: "How often a node reads from the others what they have of managers to which it has no link: what one that died gave only to some nodes. At least twice in `LOG_SECONDS`, however long this is.",
  }),
  WARM_SECONDS: seconds({
    min: 0,
    max: 3600,
    default: 10,
    doc: "How long each step of a start may take in which a node copies what others have: to read a peer's log, to wait for the managers that were attached there, to read the peers once more. 0 starts empty.",
  }),
  SESSION_BUFFER_BYTES: integer({
    unit: "bytes",
    min: 1024,
    max: 64 * 1024 ** 2,
    default: 65_536,
    doc: "With more than this queued on its socket a session lags: it is filled from the log when the socket drains.",
  }),
  LAG_SECONDS: seconds({
    min: 0.1,
    max: 3600,
    default: 30,
    doc: "A session that lags for longer is closed with 4409. The same on all nodes.",
  }),
  MAX_REPLAY_MESSAGES: integer({
    unit: "messages",
    min: 0,
    max: 10_000_000,
    default: 10_000,
    doc: "Messages that one subscription is replayed at most; a client that missed more is answered `recovered: false`.",
  }),
  FRAME_CACHE_BYTES: integer({
    unit: "bytes",
    min: 0,
    max: 1024 ** 3,
    default: 8 * 1024 ** 2,
    doc: "Memory for WebSocket frames that were built and may be needed again.",
  }),
  MAX_FRAME_BYTES: integer({
    unit: "bytes",
    min: 128,
    max: 16 * 1024 ** 2,
    default: 65_536,
    doc: "The largest frame that a client may send; a larger one closes its session with 1009.",
  }),
  MAX_FRAGMENTS: integer({
    unit: "fragments",
    min: 1,
    max: 1_000_000,
    default: 256,
    doc: "Fragments that one frame of a client may come in; one with more closes its session with 1008.",
  }),
  FRAME_RATE: integer({
    unit: "frames a second",
    min: 1,
    max: 100_000,
    default: 100,
    doc: "Frames that one session may send in the long run, pings and pongs among them; one that sends more is closed with 4429.",
  }),
  FRAME_BURST: integer({
    unit: "frames",
    min: 1,
    max: 1_000_000,
    default: 2000,
    doc: "Frames that one session may send at once after a quiet time. No fewer than `MAX_ROOMS_PER_SESSION`: a client that is back joins all its rooms at once.",
  }),
  MAX_SESSIONS: integer({
    unit: "sessions",
    min: 1,
    max: 1_000_000,
    default: 50_000,
    doc: "Open sessions; further handshakes are answered 503.",
  }),
  MAX_SESSIONS_PER_USER: integer({
    unit: "sessions",
    min: 1,
    max: 1_000_000,
    default: 1000,
    doc: "Open sessions of one user on one node; further handshakes are answered 429.",
  }),
  MAX_SESSIONS_PER_ADDRESS: integer({
    unit: "sessions",
    min: 0,
    max: 1_000_000,
    default: 0,
    doc: "Open sessions of one IPv4 address, or of one IPv6 network of 64 bits, on one node; further handshakes are answered 429. 0 is any number: behind a proxy that is not in `TRUSTED_PROXIES` all clients have its address.",
  }),
  TRUSTED_PROXIES: addressRanges({
    doc: "The proxies whose `X-Forwarded-For` is believed: it says which address a session counts for. From others it is ignored, and theirs counts.",
  }),
  MAX_HEADER_BYTES: integer({
    unit: "bytes",
    min: 1024,
    max: 1024 ** 2,
    default: 16_384,
    doc: "The longest URL and headers of a handshake together, names and values; longer ones are answered 431.",
  }),
  HANDSHAKE_RATE: integer({
    unit: "handshakes a second",
    min: 1,
    max: 100_000,
    default: 1000,
    doc: "Handshakes that are admitted in the long run, 1000 at about a quarter of a core; others are answered 429, with `Retry-After`.",
  }),
  HANDSHAKE_RATE_PER_ADDRESS: integer({
    unit: "handshakes a second",
    min: 0,
    max: 100_000,
    default: 0,
    doc: "Handshakes of one address, as `MAX_SESSIONS_PER_ADDRESS` counts it, in a second; further ones are answered 429, before their tokens are verified, and count for no `HANDSHAKE_RATE`. 0 is any number.",
  }),
  HANDSHAKE_BURST: integer({
    unit: "handshakes",
    min: 1,
    max: 100_000,
    default: 1000,
    doc: "Handshakes that are admitted at once after a quiet time. They take about 0.25 ms each, in slices with live delivery in between.",
  }),
  RETRY_AFTER_MAX_SECONDS: integer({
    unit: "seconds",
    min: 1,
    max: 3600,
    default: 30,
    doc: "The longest `Retry-After` that a refused handshake is answered with.",
  }),
  HANDSHAKE_SECONDS: seconds({
    min: 0.1,
    max: 600,
    default: 10,
    doc: "How long a connection may take to send its request; then it is answered 408 and closed.",
  }),
  MAX_PENDING_CONNECTIONS: integer({
    unit: "connections",
    min: 1,
    max: 1_000_000,
    default: 5000,
    doc: "Connections to WS_PORT that are no session, most of them not yet; further ones are dropped without an answer.",
  }),
  MAX_ROOMS_PER_SESSION: integer({
    unit: "rooms",
    min: 1,
    max: 100_000,
    default: 1000,
    doc: "Rooms that one session may be in; a further join is answered TOO_MANY_ROOMS.",
  }),
  HEARTBEAT_MS: integer({
    unit: "milliseconds",
    min: 100,
    max: 600_000,
    default: 25_000,
    doc: "How often each session is pinged. One that misses two in a row is closed with 4408.",
  }),
  FLUSH_WINDOW_MS: integer({
    unit: "milliseconds",
    min: 0,
    max: 1000,
    default: 0,
    doc: "How long a room's messages are collected after a flush; the first is always sent at once. 0 is one turn of the event loop. Never less than the room's last flush took.",
  }),
  DRAIN_ACCEPT_SECONDS: seconds({
    min: 0,
    max: 600,
    default: 5,
    doc: "How long a node that drains still accepts clients, while load balancers notice.",
  }),
  DRAIN_SECONDS: seconds({
    min: 0,
    max: 3600,
    default: 60,
    doc: "Over how long clients are then told to reconnect elsewhere; who is still there is closed with 1012.",
  }),
  ...authSettings,
  ...roomSettings,
  MAX_TAILS: integer({
    unit: "tails",
    min: 0,
    max: 10_000,
    default: 32,
    doc: "Tails of rooms, for consoles of push-managers, that may be open at once; further ones are answered RESOURCE_EXHAUSTED.",
  }),
  TAIL_BUFFER_BYTES: integer({
    unit: "bytes",
    min: 1024,
    // One message may hold all of it, and a manager takes messages of 16 MiB.
    max: 8 * 1024 ** 2,
    default: 1024 ** 2,
    doc: "What may wait for the reader of one tail; what comes beyond is left out of it, and counted.",
  }),
  OPS_TOKEN: text({
    secret: true,
    doc: "The bearer token with which POST /drain is allowed from other addresses than loopback.",
  }),
};

export type NodeSettings = SettingsOf<typeof nodeSettings>;

/** What must hold between settings. */
export const nodeChecks: readonly CrossCheck<NodeSettings>[] = [
  ...sharedChecks,
  ...authChecks,
  ...roomChecks,
  {
    settings: ["FRAME_BURST", "MAX_ROOMS_PER_SESSION"],
    problem: ({ FRAME_BURST, MAX_ROOMS_PER_SESSION }) =>
      FRAME_BURST < MAX_ROOMS_PER_SESSION
        ? `must be no less than MAX_ROOMS_PER_SESSION, ${MAX_ROOMS_PER_SESSION}: a client that is back joins all its rooms at once`
        : undefined,
  },
];
