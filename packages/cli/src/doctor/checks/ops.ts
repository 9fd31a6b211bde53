import { type Finding, fail, listed, ok, warn } from "../finding.ts";
import type { MetricsText } from "../probes/metrics-text.ts";
import type { OpsFacts } from "../probes/ops.ts";

type Answered = Exclude<OpsFacts, { readonly problem: string }>;

/** From here on a limit is near. */
const NEAR_SHARE = 0.8;
const MEMORY_SHARE = 0.85;
const LOOP_DELAY_SECONDS = 0.1;
const EXPIRY_WARNING_SECONDS = 14 * 24 * 60 * 60;
/** Sessions that lag while all is well: those of clients whose network is bad. */
const LAGGING_SHARE = 0.05;
/** Files and sockets that a process has beside those of its sessions. */
const OTHER_FILES = 200;

/** Judges one process by its ops port. */
export function checkOps(facts: OpsFacts): Finding[] {
  if (facts.problem !== undefined) {
    return [
      fail(
        "ops-reachable",
        `no answer at ${facts.address}: ${facts.problem}`,
        "Give the OPS_PORT of a process (9100 by default). A process that accepts and does not answer is frozen or overloaded.",
      ),
    ];
  }
  const { metrics } = facts;
  const ready = checkReady(facts);
  if (metrics.value("connect_node_sessions") !== undefined) {
    return [ready, ...checkNodeMetrics(metrics), ...checkProcess(metrics, "connect_node")];
  }
  if (metrics.value("push_manager_log_bytes") !== undefined) {
    return [ready, ...checkManagerMetrics(metrics), ...checkProcess(metrics, "push_manager")];
  }
  return [
    fail(
      "ops-service",
      `${facts.address} has metrics, but not those of a connect-node or push-manager`,
      "Give the OPS_PORT of a pushcast process.",
    ),
  ];
}

/** What it is, for a title. */
export function serviceOf(facts: OpsFacts): string {
  if (facts.problem !== undefined) return "process";
  return facts.metrics.value("connect_node_sessions") === undefined
    ? "push-manager"
    : "connect-node";
}

function checkReady({ readyStatus, readyChecks }: Answered): Finding {
  const missing = Object.entries(readyChecks).filter(([, text]) => text !== "ok");
  if (readyStatus === 200) return ok("readyz", "200");
  const found = `${readyStatus}: ${listed(missing.map(([name, text]) => `${name}: ${text}`))}`;
  return fail(
    "readyz",
    found,
    "`registered`: the node has not reached etcd yet (ETCD_ENDPOINTS, etcd's TLS). `warm`: it reads other nodes' logs, for 3 × WARM_SECONDS at most. Draining: it ends, as it was told to.",
  );
}

function checkNodeMetrics(metrics: MetricsText): Finding[] {
  const sessions = metrics.value("connect_node_sessions") ?? 0;
  const lagging = metrics.value("connect_node_lagging_sessions") ?? 0;
  return [
    checkShare(metrics, {
      check: "sessions",
      used: "connect_node_sessions",
      limit: "connect_node_max_sessions",
      setting: "MAX_SESSIONS",
      full: "new clients get 503 NODE_FULL",
      advice: "Add nodes; raise MAX_SESSIONS only where memory and file descriptors allow it.",
    }),
    checkShare(metrics, {
      check: "pending-connections",
      used: "connect_node_pending_connections",
      limit: "connect_node_max_pending_connections",
      setting: "MAX_PENDING_CONNECTIONS",
      full: "further connections are dropped without an answer",
      advice:
        "A storm ends by itself. Else something opens connections and asks for nothing: see the load balancer's health checks.",
    }),
    ...checkLifetime(metrics),
    lagging > LAGGING_SHARE * sessions && lagging > 1
      ? warn(
          "lagging-sessions",
          `${lagging} of ${sessions} sessions lag`,
          "One or a few: slow clients, which are closed after LAG_SECONDS. Many: the network out of this node is full.",
        )
      : ok("lagging-sessions", `${lagging} of ${sessions}`),
    checkCounts(metrics, {
      check: "gaps",
      counter: "connect_node_gaps_total",
      label: "reason",
      what: "gaps said to clients since the start",
      advice:
        "evicted: LOG_BYTES or LOG_SECONDS are too small for slow clients. link, silence: the node was cut off from managers. docs/delivery.md says what each means.",
    }),
    checkCounts(metrics, {
      check: "rejections",
      counter: "connect_node_rejections_total",
      label: "reason",
      what: "handshakes and joins refused since the start",
      only: LIMIT_REASONS,
      advice:
        "NODE_FULL: add nodes. TOO_MANY_HANDSHAKES: a storm; HANDSHAKE_RATE bounds it. TOKEN_KEYS_UNAVAILABLE: JWT_JWKS_URL cannot be read. docs/operations.md, Limits.",
    }),
  ];
}

/** Refusals that say something of the system, and not of the client alone. */
const LIMIT_REASONS: readonly string[] = [
  "NODE_FULL",
  "TOO_MANY_HANDSHAKES",
  "TOO_MANY_SESSIONS_OF_USER",
  "TOO_MANY_SESSIONS_OF_ADDRESS",
  "TOKEN_KEYS_UNAVAILABLE",
  "AUTHZ_UNAVAILABLE",
  "REQUEST_TIMEOUT",
];

/** Versions before this one do not say it. */
function checkLifetime(metrics: MetricsText): Finding[] {
  const lifetime = metrics.value("connect_node_log_lifetime_seconds");
  const wanted = metrics.value("connect_node_common_setting", { setting: "LOG_SECONDS" });
  if (lifetime === undefined || wanted === undefined) return [];
  const used = mib(metrics.value("connect_node_log_bytes") ?? 0);
  const limit = mib(metrics.value("connect_node_max_log_bytes") ?? 0);
  const found = `${used} of ${limit} (LOG_BYTES); publications stay ${lifetime.toFixed(0)} of ${wanted} s as the log fills now`;
  return [
    lifetime < wanted
      ? warn(
          "log-lifetime",
          `${found}: clients that are away for longer are not replayed what they missed`,
          "Raise LOG_BYTES in all processes, with the memory for it, or lower LOG_SECONDS to what you promise.",
        )
      : ok("log-lifetime", found),
  ];
}

function checkManagerMetrics(metrics: MetricsText): Finding[] {
  const held = metrics.value("push_manager_held") ?? 0;
  return [
    held > 0
      ? fail(
          "publishers-held",
          "publishers are held back: most links lag by more than a quarter of the log",
          "The nodes, or the network to them, are slower than what is pushed. docs/runbook.md, PushcastPublishersHeldBack.",
        )
      : ok("publishers-held", "no"),
    checkShare(metrics, {
      check: "pending-pushes",
      used: "push_manager_pending_pushes",
      limit: "push_manager_max_pending_pushes",
      setting: "MAX_PENDING_PUSHES",
      full: "pushes get RESOURCE_EXHAUSTED (BACK_PRESSURE)",
      advice: "See which node does not acknowledge: push_manager_link_lag{node_id}.",
    }),
    checkShare(metrics, {
      check: "push-streams",
      used: "push_manager_push_streams",
      limit: "push_manager_max_push_streams",
      setting: "MAX_PUSH_STREAMS",
      full: "further PushStreams get RESOURCE_EXHAUSTED (TOO_MANY_STREAMS)",
      advice: "Biz-servers should keep one PushStream open, not one for each push.",
    }),
    checkShare(metrics, {
      check: "idempotency-keys",
      used: "push_manager_idempotency_keys",
      limit: "push_manager_max_idempotency_keys",
      setting: "IDEMPOTENCY_KEYS",
      full: "the oldest is forgotten before IDEMPOTENCY_SECONDS",
      advice: "Raise IDEMPOTENCY_KEYS (500 bytes each), or lower IDEMPOTENCY_SECONDS.",
    }),
    checkCounts(metrics, {
      check: "pushes-refused",
      counter: "push_manager_pushes_total",
      label: "code",
      what: "pushes refused since the start",
      only: ["RESOURCE_EXHAUSTED", "UNAVAILABLE"],
      advice: "docs/runbook.md, PushcastPushesFail.",
    }),
    checkCounts(metrics, {
      check: "node-failures",
      counter: "push_manager_node_failures_total",
      label: "reason",
      what: "nodes in the failures of reports since the start",
      advice:
        "A few LINK_DOWN are what restarts leave. If they grow: docs/runbook.md, PushcastPushesMissNodes.",
    }),
  ];
}

/** What both services say of their process. */
function checkProcess(metrics: MetricsText, service: string): Finding[] {
  return [
    ...checkMemory(metrics),
    ...checkFiles(metrics),
    ...checkLoop(metrics),
    ...checkCertificates(metrics, service),
    checkCounts(metrics, {
      check: "file-loads",
      counter: `${service}_file_loads_total`,
      label: "files",
      what: "new versions of files refused since the start",
      where: { result: "refused" },
      advice: "The log says why; what was there before is still used. Put the files right.",
    }),
  ];
}

function checkMemory(metrics: MetricsText): Finding[] {
  const used = metrics.value("process_resident_memory_bytes");
  const limit = metrics.value("process_memory_limit_bytes");
  if (used === undefined || limit === undefined) return [];
  const found = `${mib(used)} of ${mib(limit)}`;
  return [
    used > MEMORY_SHARE * limit
      ? warn(
          "memory",
          `${found}: the kernel ends a process at its limit`,
          "Raise the pod's memory limit to the bound in docs/operations.md (Memory of a connect-node), or lower LOG_BYTES or MAX_SESSIONS.",
        )
      : ok("memory", found),
  ];
}

function checkFiles(metrics: MetricsText): Finding[] {
  const limit = metrics.value("process_max_fds");
  const open = metrics.value("process_open_fds");
  if (limit === undefined || open === undefined) return [];
  const sessions = metrics.value("connect_node_max_sessions") ?? 0;
  const pending = metrics.value("connect_node_max_pending_connections") ?? 0;
  const needed = sessions + pending + OTHER_FILES;
  const found = `${open} of ${limit} file descriptors`;
  if (limit < needed) {
    return [
      warn(
        "file-descriptors",
        `${found}; MAX_SESSIONS and MAX_PENDING_CONNECTIONS need ${needed}`,
        "Raise the limit (ulimit -n, LimitNOFILE, the container runtime's nofile), or lower MAX_SESSIONS: without a descriptor clients get no answer at all, and no 503.",
      ),
    ];
  }
  return [ok("file-descriptors", found)];
}

function checkLoop(metrics: MetricsText): Finding[] {
  const p99 = metrics.value("nodejs_eventloop_lag_p99_seconds");
  if (p99 === undefined) return [];
  const found = `99 % of the waits since the last look at its metrics below ${(p99 * 1000).toFixed(0)} ms`;
  return [
    p99 > LOOP_DELAY_SECONDS
      ? warn(
          "event-loop",
          found,
          "The process has too little CPU or too much work: give it a whole core, add pods. docs/runbook.md, PushcastEventLoopBlocked.",
        )
      : ok("event-loop", found),
  ];
}

function checkCertificates(metrics: MetricsText, service: string): Finding[] {
  return metrics.series(`${service}_certificate_expiry_seconds`).map(({ labels, value }) => {
    const check = "own-certificate";
    const days = Math.floor(value / 86_400);
    const found = `the certificate of ${labels.files} ends in ${days} ${days === 1 ? "day" : "days"}`;
    const advice =
      "Renew the files that the settings name; they are read again every FILES_CHECK_SECONDS. docs/operations.md, Renewal.";
    if (value <= 0) return fail(check, `the certificate of ${labels.files} has ended`, advice);
    return value < EXPIRY_WARNING_SECONDS ? warn(check, found, advice) : ok(check, found);
  });
}

interface Share {
  readonly check: string;
  /** Names of metrics. */
  readonly used: string;
  readonly limit: string;
  readonly setting: string;
  /** What happens at the limit. */
  readonly full: string;
  readonly advice: string;
}

function checkShare(
  metrics: MetricsText,
  { check, used, limit, setting, full, advice }: Share,
): Finding {
  const count = metrics.value(used) ?? 0;
  const most = metrics.value(limit) ?? Number.POSITIVE_INFINITY;
  const found = `${count} of ${most} (${setting})`;
  if (count >= most) return fail(check, `${found}: ${full}`, advice);
  if (count >= NEAR_SHARE * most) return warn(check, `${found}; at the limit ${full}`, advice);
  return ok(check, found);
}

interface Counts {
  readonly check: string;
  readonly counter: string;
  /** The label that says which. */
  readonly label: string;
  readonly what: string;
  /** Values of the label that count. @default all */
  readonly only?: readonly string[];
  /** Labels that a series must have. @default none */
  readonly where?: Readonly<Record<string, string>>;
  readonly advice: string;
}

function checkCounts(
  metrics: MetricsText,
  { check, counter, label, what, only, where = {}, advice }: Counts,
): Finding {
  const counted = metrics
    .series(counter)
    .filter(({ labels }) => Object.entries(where).every(([name, text]) => labels[name] === text))
    .map(({ labels, value }) => ({ reason: labels[label] ?? "", value }))
    .filter(({ reason, value }) => value > 0 && (only?.includes(reason) ?? true));
  const byReason = new Map<string, number>();
  for (const { reason, value } of counted) {
    byReason.set(reason, (byReason.get(reason) ?? 0) + value);
  }
  if (byReason.size === 0) return ok(check, `no ${what}`);
  const reasons = [...byReason].map(([reason, value]) => `${value} ${reason}`);
  return warn(check, `${what}: ${listed(reasons)}`, advice);
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}
