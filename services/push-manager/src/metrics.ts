import { status } from "@grpc/grpc-js";
import { FailureReason, type NodeFailure } from "@pushcast/api";
import { REGISTRY_EVENT_TYPES, type RegistryEvent } from "@pushcast/registry";
import { showCommonSettings } from "@pushcast/runtime";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { CALL_OUTCOMES, type CallOutcome } from "./access/push-access.ts";
import type { FanOut, FanOutCounters } from "./fan-out.ts";
import type { IdempotencyKeys } from "./idempotency.ts";
import type { OutgoingLog } from "./outgoing-log.ts";
import { PUSH_APIS, type PushApi } from "./push-api.ts";
import type { PushManagerSettings } from "./settings.ts";

const PUSH_SECONDS_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

const LINK_STATES = ["connecting", "live", "closing", "down"] as const;
/** What a push is answered with. Others would be a bug. */
const PUSH_CODES = [
  status.OK,
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
  status.UNAVAILABLE,
] as const;
const FAILURE_REASONS = {
  DEADLINE: FailureReason.FAILURE_REASON_DEADLINE,
  LINK_DOWN: FailureReason.FAILURE_REASON_LINK_DOWN,
  GAP: FailureReason.FAILURE_REASON_GAP,
  SKIPPED: FailureReason.FAILURE_REASON_SKIPPED,
} as const;
const NODE_STATES = ["starting", "ready", "draining", "unregistered"] as const;

/** What the gauges are read from. */
export interface MetricsSource {
  readonly fanOut: FanOut;
  readonly log: OutgoingLog;
  readonly keys: IdempotencyKeys;
  openStreams(): number;
  readonly settings: Pick<
    PushManagerSettings,
    | "LOG_BYTES"
    | "LOG_SECONDS"
    | "MAX_CONTENT_BYTES"
    | "IDEMPOTENCY_SECONDS"
    | "MAX_PENDING_PUSHES"
    | "IDEMPOTENCY_KEYS"
    | "MAX_PUSH_STREAMS"
  >;
}

/**
 * What a counter gets when metrics are read: prom-client finds it by its labels each time, which for
 * each push is too dear.
 */
class Tally {
  #untold = 0;

  add(count: number): void {
    this.#untold += count;
  }

  /** What was added since it was last taken. */
  take(): number {
    const untold = this.#untold;
    this.#untold = 0;
    return untold;
  }
}

/** The metrics of a push-manager, in the registry handed in. */
export class PushManagerMetrics implements FanOutCounters {
  readonly #registers: [Registry];
  readonly #broadcastNodes = byApi(() => new Tally());
  readonly #broadcastDelivered = byApi(() => new Tally());
  /** For each rpc by the code of the answer. */
  readonly #pushes = byApi(() => new Map(PUSH_CODES.map((code) => [code as status, new Tally()])));
  readonly #pushSeconds: ReadonlyMap<PushApi, Histogram.Internal<"api">>;
  readonly #nodeFailures: ReadonlyMap<FailureReason, Counter.Internal>;
  readonly #registryEvents: Counter<"type">;
  readonly #callerCalls: Counter<"caller" | "outcome">;
  /** By caller, then by outcome. */
  #callers = new Map<string, ReadonlyMap<CallOutcome, Tally>>();
  readonly #refusedStreams: Counter;

  constructor(registry: Registry) {
    const registers: [Registry] = [registry];
    this.#registers = registers;
    const nodes = new Counter({
      name: "push_manager_broadcast_nodes_total",
      help: "Nodes that were known, added up over all pushes that were appended.",
      labelNames: ["api"],
      registers,
      collect: () => {
        for (const [api, tally] of this.#broadcastNodes) nodes.inc({ api }, tally.take());
      },
    });
    const delivered = new Counter({
      name: "push_manager_broadcast_delivered_total",
      help: "Nodes that had a session for the push, added up over all pushes.",
      labelNames: ["api"],
      registers,
      collect: () => {
        for (const [api, tally] of this.#broadcastDelivered) delivered.inc({ api }, tally.take());
      },
    });
    const pushes = new Counter({
      name: "push_manager_pushes_total",
      help: "Pushes that were answered, by their gRPC code; also those inside a PushStream.",
      labelNames: ["api", "code"],
      registers,
      collect: () => {
        for (const [api, byCode] of this.#pushes) {
          for (const [code, tally] of byCode) pushes.inc({ api, code: status[code] }, tally.take());
        }
      },
    });
    const seconds = new Histogram({
      name: "push_manager_push_seconds",
      help: "From a push's arrival to its answer.",
      labelNames: ["api"],
      buckets: PUSH_SECONDS_BUCKETS,
      registers,
    });
    const nodeFailures = new Counter({
      name: "push_manager_node_failures_total",
      help: "Nodes that stood in the failures of reports, added up over all pushes and commands.",
      labelNames: ["reason"],
      registers,
    });
    this.#registryEvents = new Counter({
      name: "push_manager_registry_events_total",
      help: "What befell the watch of the registry, by the type of event.",
      labelNames: ["type"],
      registers,
    });
    this.#callerCalls = new Counter({
      name: "push_manager_caller_calls_total",
      help: "Pushes and other calls of each caller in PUSH_TOKENS_FILE, by whether they were allowed.",
      labelNames: ["caller", "outcome"],
      registers,
      collect: () => this.#tellCallers(),
    });
    this.#refusedStreams = new Counter({
      name: "push_manager_refused_streams_total",
      help: "PushStreams beyond MAX_PUSH_STREAMS, answered RESOURCE_EXHAUSTED.",
      registers,
    });
    for (const reason of Object.keys(FAILURE_REASONS)) nodeFailures.inc({ reason }, 0);
    for (const type of REGISTRY_EVENT_TYPES) this.#registryEvents.inc({ type }, 0);
    this.#nodeFailures = new Map(
      Object.entries(FAILURE_REASONS).map(([name, reason]) => [reason, nodeFailures.labels(name)]),
    );
    this.#pushSeconds = byApi((api) => seconds.labels(api));
    for (const api of PUSH_APIS) seconds.zero({ api });
  }

  appended(api: PushApi, nodesTotal: number): void {
    this.#broadcastNodes.get(api)?.add(nodesTotal);
  }

  delivered(api: PushApi): void {
    this.#broadcastDelivered.get(api)?.add(1);
  }

  failed(failures: readonly NodeFailure[]): void {
    for (const { reason } of failures) this.#nodeFailures.get(reason)?.inc();
  }

  answered(api: PushApi, code: status, seconds: number): void {
    this.#answers(api, code).add(1);
    this.#pushSeconds.get(api)?.observe(seconds);
  }

  #answers(api: PushApi, code: status): Tally {
    const byCode = this.#pushes.get(api);
    let tally = byCode?.get(code);
    if (tally === undefined) {
      tally = new Tally();
      byCode?.set(code, tally);
    }
    return tally;
  }

  streamRefused(): void {
    this.#refusedStreams.inc();
  }

  registryEvent(type: RegistryEvent["type"]): void {
    this.#registryEvents.inc({ type });
  }

  /** These are the callers from now on; what was counted of others is gone. */
  callersAre(names: readonly string[]): void {
    this.#tellCallers();
    const known = this.#callers;
    this.#callers = new Map(names.map((name) => [name, known.get(name) ?? talliesByOutcome()]));
    for (const caller of known.keys()) {
      if (this.#callers.has(caller)) continue;
      for (const outcome of CALL_OUTCOMES) this.#callerCalls.remove({ caller, outcome });
    }
  }

  judged(caller: string, outcome: CallOutcome): void {
    this.#callers.get(caller)?.get(outcome)?.add(1);
  }

  #tellCallers(): void {
    for (const [caller, byOutcome] of this.#callers) {
      for (const [outcome, tally] of byOutcome) {
        this.#callerCalls.inc({ caller, outcome }, tally.take());
      }
    }
  }

  /** Adds the gauges, which are read when they are asked for. */
  observe({ fanOut, log, keys, openStreams, settings }: MetricsSource): void {
    const registers = this.#registers;
    const nodes = new Gauge({
      name: "push_manager_nodes",
      help: "Known nodes, by the state that they registered; unregistered: key gone, link healthy.",
      labelNames: ["state"],
      registers,
      collect: () => {
        nodes.reset();
        for (const state of NODE_STATES) nodes.set({ state }, 0);
        for (const { record, isRegistered } of fanOut.nodes) {
          nodes.inc({ state: isRegistered ? record.state : "unregistered" });
        }
      },
    });
    const links = new Gauge({
      name: "push_manager_links",
      help: "Links to nodes, by their state.",
      labelNames: ["state"],
      registers,
      collect: () => {
        for (const state of LINK_STATES) links.set({ state }, 0);
        for (const { link } of fanOut.nodes) links.inc({ state: link.state });
      },
    });
    const lag = new Gauge({
      name: "push_manager_link_lag",
      help: "Publications that a node has not acknowledged.",
      labelNames: ["node_id"],
      registers,
      collect: () => {
        lag.reset();
        for (const { link } of fanOut.nodes) lag.set({ node_id: link.nodeId }, link.lag);
      },
    });
    const gauge = (name: string, help: string, read: () => number) => {
      const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
    };
    gauge("push_manager_log_bytes", "Memory of the publication log.", () => log.bytes);
    gauge("push_manager_max_log_bytes", "LOG_BYTES.", () => settings.LOG_BYTES);
    gauge(
      "push_manager_pending_pushes",
      "Pushes that await acknowledgement.",
      () => fanOut.pendingPushes,
    );
    gauge(
      "push_manager_max_pending_pushes",
      "MAX_PENDING_PUSHES.",
      () => settings.MAX_PENDING_PUSHES,
    );
    gauge(
      "push_manager_idempotency_keys",
      "Idempotency keys that are remembered.",
      () => keys.size,
    );
    gauge(
      "push_manager_max_idempotency_keys",
      "IDEMPOTENCY_KEYS.",
      () => settings.IDEMPOTENCY_KEYS,
    );
    gauge("push_manager_push_streams", "Open PushStreams.", openStreams);
    gauge("push_manager_max_push_streams", "MAX_PUSH_STREAMS.", () => settings.MAX_PUSH_STREAMS);
    gauge("push_manager_held", "1 while publishers are held back, else 0.", () =>
      Number(fanOut.isHeld),
    );
    showCommonSettings(registers[0], "push_manager", {
      LOG_BYTES: settings.LOG_BYTES,
      LOG_SECONDS: settings.LOG_SECONDS,
      MAX_CONTENT_BYTES: settings.MAX_CONTENT_BYTES,
      IDEMPOTENCY_SECONDS: settings.IDEMPOTENCY_SECONDS,
    });
  }
}

function talliesByOutcome(): ReadonlyMap<CallOutcome, Tally> {
  return new Map(CALL_OUTCOMES.map((outcome) => [outcome, new Tally()]));
}

function byApi<Made>(make: (api: PushApi) => Made): ReadonlyMap<PushApi, Made> {
  return new Map(PUSH_APIS.map((api) => [api, make(api)]));
}
