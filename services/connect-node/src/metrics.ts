import { type NodeState, REGISTRY_EVENT_TYPES } from "@pushcast/registry";
import { showCommonSettings } from "@pushcast/runtime";
import { CLOSE_CODES, type ErrorCode, HTTP_ERRORS } from "@pushcast/wire";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { AUTHZ_RESULTS } from "./rooms/room-authz.ts";
import { JOIN_REFUSALS } from "./rooms/room-rights.ts";
import type { NodeSettings } from "./settings.ts";

/** Beside those that a handshake can have as well. */
const FRAME_REASONS: readonly ErrorCode[] = [
  "TOKEN_UNVERIFIED",
  "TOO_MANY_TOKENS",
  "ROOM_FORBIDDEN",
  "AUTHZ_UNAVAILABLE",
  "TOO_MANY_ROOMS",
];

const NODE_STATES: readonly NodeState[] = ["starting", "ready", "draining"];

/** What a gauge reads when Prometheus scrapes. */
export interface NodeGauges {
  state(): NodeState;
  sessions(): number;
  users(): number;
  rooms(): number;
  laggingSessions(): number;
  logBytes(): number;
  logLifetimeMs(): number;
  frameCacheBytes(): number;
  links(): number;
  pendingConnections(): number;
  revocations(): number;
  authzPending(): number;
  authzCached(): number;
  recalledTickets(): number;
  tails(): number;
}

export type NodeMetrics = ReturnType<typeof createNodeMetrics>;

/** The metrics of a connect-node. Never a room or a user as a label. */
export function createNodeMetrics(
  registry: Registry,
  gauges: NodeGauges,
  settings: Pick<
    NodeSettings,
    | "MAX_SESSIONS"
    | "MAX_PENDING_CONNECTIONS"
    | "MAX_REVOCATIONS"
    | "LOG_BYTES"
    | "LOG_SECONDS"
    | "LAG_SECONDS"
    | "MAX_CONTENT_BYTES"
    | "JWT_MAX_SECONDS"
    | "TICKET_SECONDS"
    | "MAX_TAILS"
  >,
) {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const states = new Gauge({
    name: "connect_node_state",
    help: "1 for the state that this node is in, 0 for the others",
    labelNames: ["state"],
    registers,
    collect() {
      const now = gauges.state();
      for (const state of NODE_STATES) states.set({ state }, Number(state === now));
    },
  });
  gauge("connect_node_sessions", "Open sessions", gauges.sessions);
  gauge("connect_node_max_sessions", "MAX_SESSIONS", () => settings.MAX_SESSIONS);
  gauge("connect_node_users", "Users with at least one session", gauges.users);
  gauge("connect_node_rooms", "Rooms with at least one session", gauges.rooms);
  gauge(
    "connect_node_lagging_sessions",
    "Sessions whose sockets are backed up; they are filled from the log",
    gauges.laggingSessions,
  );
  gauge("connect_node_log_bytes", "Memory of the publication log", gauges.logBytes);
  gauge("connect_node_max_log_bytes", "LOG_BYTES", () => settings.LOG_BYTES);
  gauge(
    "connect_node_log_lifetime_seconds",
    "How long a publication stays in the log as it fills now: LOG_SECONDS, or less where LOG_BYTES are full sooner",
    () => gauges.logLifetimeMs() / 1000,
  );
  gauge("connect_node_frame_cache_bytes", "Memory of the frame cache", gauges.frameCacheBytes);
  gauge("connect_node_links", "Attached push-managers", gauges.links);
  gauge(
    "connect_node_pending_connections",
    "Connections to the WebSocket port that are no session",
    gauges.pendingConnections,
  );
  gauge(
    "connect_node_max_pending_connections",
    "MAX_PENDING_CONNECTIONS",
    () => settings.MAX_PENDING_CONNECTIONS,
  );
  gauge("connect_node_revocations", "Users of whom older tokens are refused", gauges.revocations);
  showCommonSettings(registry, "connect_node", {
    LOG_BYTES: settings.LOG_BYTES,
    LOG_SECONDS: settings.LOG_SECONDS,
    LAG_SECONDS: settings.LAG_SECONDS,
    MAX_CONTENT_BYTES: settings.MAX_CONTENT_BYTES,
    JWT_MAX_SECONDS: settings.JWT_MAX_SECONDS,
    TICKET_SECONDS: settings.TICKET_SECONDS,
  });
  gauge("connect_node_max_revocations", "MAX_REVOCATIONS", () => settings.MAX_REVOCATIONS);

  gauge(
    "connect_node_authz_pending",
    "Requests to AUTHZ_URL that are not answered, also those that wait for AUTHZ_MAX_REQUESTS others",
    gauges.authzPending,
  );
  gauge(
    "connect_node_authz_cache_entries",
    "Answers of AUTHZ_URL that are remembered",
    gauges.authzCached,
  );
  gauge(
    "connect_node_recalled_tickets",
    "Users in rooms whose tickets are refused, because LeaveRoom took them out",
    gauges.recalledTickets,
  );
  gauge("connect_node_tails", "Open tails of rooms", gauges.tails);
  gauge("connect_node_max_tails", "MAX_TAILS", () => settings.MAX_TAILS);
  const tailSkipped = new Counter({
    name: "connect_node_tail_skipped_total",
    help: "Publications that were left out of a tail, because its reader was behind by TAIL_BUFFER_BYTES",
    registers,
  });

  const received = tally(registers, {
    name: "connect_node_push_received_total",
    help: "Publications applied, each once, with or without a matching session",
    label: "has_users",
    values: ["true", "false"],
  });
  const invalid = new Counter({
    name: "connect_node_invalid_publications_total",
    help: "Publications of a manager that would break a frame or a close, and were skipped",
    registers,
  });
  const unreadLinks = new Counter({
    name: "connect_node_unread_links_total",
    help: "Links that were ended because their manager did not read LINK_MAX_UNREAD_OUTCOMES",
    registers,
  });
  const deliveries = tally(registers, {
    name: "connect_node_deliveries_total",
    help: "Messages written to sessions",
    label: "target",
    values: ["room", "user", "all"],
  });
  const gaps = new Counter({
    name: "connect_node_gaps_total",
    help: "Gaps said: evicted (a session fell off the log), link (a manager's publications were lost), silence (nothing was heard of managers and other nodes for LOG_SECONDS), left (a lagging session left a room)",
    labelNames: ["reason"],
    registers,
  });
  for (const reason of ["evicted", "link", "silence", "left"]) gaps.inc({ reason }, 0);
  const recoveries = new Counter({
    name: "connect_node_recoveries_total",
    help: "Answers to joins with a position and to resumes",
    labelNames: ["recovered"],
    registers,
  });
  for (const recovered of ["true", "false"]) recoveries.inc({ recovered }, 0);
  const closes = new Counter({
    name: "connect_node_closes_total",
    help: "Sessions that the server closed, by the code that it decided on",
    labelNames: ["code"],
    registers,
  });
  for (const { code } of Object.values(CLOSE_CODES)) closes.inc({ code: String(code) }, 0);
  const rejections = new Counter({
    name: "connect_node_rejections_total",
    help: "Handshakes, joins and tokens refused, by the code of the answer",
    labelNames: ["reason"],
    registers,
  });
  for (const reason of [...Object.keys(HTTP_ERRORS), ...FRAME_REASONS]) {
    rejections.inc({ reason }, 0);
  }
  const tokenExpiries = new Counter({
    name: "connect_node_token_expiries_total",
    help: "Sessions closed because their token expired; with those that were revoked they are the closes with 4401",
    registers,
  });
  const jwksFailures = new Counter({
    name: "connect_node_jwks_failures_total",
    help: "Reads of JWT_JWKS_URL that failed",
    registers,
  });
  const joinRefusals = new Counter({
    name: "connect_node_join_refusals_total",
    help: "Joins refused: claims (the token does not say so, and nobody is asked), ticket_… (nor does a ticket), authz_denied, authz_unavailable (AUTHZ_URL gave no answer)",
    labelNames: ["reason"],
    registers,
  });
  for (const reason of JOIN_REFUSALS) joinRefusals.inc({ reason }, 0);
  const authzRequests = new Counter({
    name: "connect_node_authz_requests_total",
    help: "Requests to AUTHZ_URL, by how they ended",
    labelNames: ["result"],
    registers,
  });
  for (const result of AUTHZ_RESULTS) authzRequests.inc({ result }, 0);
  const authzCached = new Counter({
    name: "connect_node_authz_cached_total",
    help: "Joins that were judged by a remembered answer of AUTHZ_URL",
    registers,
  });
  const authzSeconds = new Histogram({
    name: "connect_node_authz_seconds",
    help: "How long a request to AUTHZ_URL took, with its wait for others",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const droppedConnections = new Counter({
    name: "connect_node_dropped_connections_total",
    help: "Connections beyond MAX_PENDING_CONNECTIONS, closed without an answer",
    registers,
  });
  const registryEvents = new Counter({
    name: "connect_node_registry_events_total",
    help: "What happened to this node's registration",
    labelNames: ["type"],
    registers,
  });
  for (const type of REGISTRY_EVENT_TYPES) registryEvents.inc({ type }, 0);
  const peerReads = new Counter({
    name: "connect_node_peer_reads_total",
    help: "Reads of other nodes' logs",
    labelNames: ["result"],
    registers,
  });
  for (const result of ["done", "failed"]) peerReads.inc({ result }, 0);
  const copied = new Counter({
    name: "connect_node_copied_publications_total",
    help: "Publications that came from other nodes' logs",
    registers,
  });
  const deliverySeconds = new Histogram({
    name: "connect_node_delivery_seconds",
    help: "From the manager's acceptance of a publication to the last of its socket writes here; as good as the clocks agree",
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  return {
    received,
    invalid,
    unreadLinks,
    tailSkipped,
    deliveries,
    gaps,
    recoveries,
    closes,
    rejections,
    tokenExpiries,
    jwksFailures,
    joinRefusals,
    authzRequests,
    authzCached,
    authzSeconds,
    droppedConnections,
    registryEvents,
    peerReads,
    copied,
    deliverySeconds,
  };
}

/**
 * A counter with one label as a plain number for each value, which Prometheus reads when it scrapes.
 * For what is counted with every message: an `inc` hashes its labels, which took 0.3 µs of a sparse
 * delivery's 11.5.
 */
function tally<Value extends string>(
  registers: Registry[],
  init: { name: string; help: string; label: string; values: readonly Value[] },
): Record<Value, number> {
  const counts = Object.fromEntries(init.values.map((value) => [value, 0])) as Record<
    Value,
    number
  >;
  new Counter({
    name: init.name,
    help: init.help,
    labelNames: [init.label],
    registers,
    collect() {
      this.reset();
      for (const value of init.values) this.inc({ [init.label]: value }, counts[value]);
    },
  });
  return counts;
}
