import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { readDescriptorSet } from "@pushcast/api";
import {
  createRegistry,
  type Registry,
  type RegistryEvent,
  type RegistryEvents,
  RegistryMemory,
  type Watch,
} from "@pushcast/registry";
import {
  type Clock,
  createGrpcServer,
  createLogger,
  createMetrics,
  createOpsServer,
  type Logger,
  type Service,
  systemClock,
} from "@pushcast/runtime";
import type { Registry as MetricsRegistry } from "prom-client";
import { FanOut } from "./fan-out.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import { PushManagerMetrics } from "./metrics.ts";
import { connectToNode } from "./node-connection.ts";
import { OutgoingLog } from "./outgoing-log.ts";
import { Publisher } from "./publisher.ts";
import { PUSH_SERVICE_NAME, PushService, pushServiceDefinition } from "./push-service.ts";
import type { PushManagerSettings } from "./settings.ts";

/** What an embedding process may hand in; by default a push-manager has its own. */
export interface PushManagerParts {
  /** Closed by whoever made it. @default by the settings */
  readonly registry?: Registry;
  /** @default JSON lines on stderr */
  readonly logger?: Logger;
  /** @default the machine's time */
  readonly clock?: Clock;
  /** @default one of its own, with the metrics of the process */
  readonly metrics?: MetricsRegistry;
}

export interface PushManagerReady {
  readonly epoch: string;
  readonly ports: { readonly grpc: number; readonly ops: number };
}

const EPOCH_BYTES = 8;
const MIB = 1024 * 1024;

/** Of the time that a stop may take: answers, final messages, gRPC's own end. */
const ANSWER_SHARE = 0.4;
const FINAL_SHARE = 0.2;
const GRPC_CLOSE_SHARE = 0.2;
const OPS_CLOSE_SHARE = 0.1;

/** A push-manager: PushManagerService, the links to all nodes, and the ops server. */
export function createPushManager(
  settings: PushManagerSettings,
  parts: PushManagerParts = {},
): Service<PushManagerReady> {
  const epoch = randomBytes(EPOCH_BYTES).toString("hex");
  const clock = parts.clock ?? systemClock;
  const metricsRegistry = parts.metrics ?? createMetrics();
  const logger = (
    parts.logger ?? createLogger({ service: "push-manager", level: settings.LOG_LEVEL })
  ).child({ epoch });
  const onError = (err: unknown) => logger.error({ err }, "unexpected error");

  const metrics = new PushManagerMetrics(metricsRegistry);
  const log = new OutgoingLog(epoch, {
    maxBytes: settings.LOG_BYTES,
    maxAgeMs: settings.LOG_SECONDS * 1000,
  });
  const fanOut = new FanOut({
    log,
    clock,
    logger,
    counters: metrics,
    managerId: settings.POD_NAME || hostname(),
    version: packageVersion(),
    connect: connectToNode,
    random: Math.random,
    logBytes: settings.LOG_BYTES,
    maxPendingPushes: settings.MAX_PENDING_PUSHES,
  });
  const keys = new IdempotencyKeys({
    maxAgeMs: settings.IDEMPOTENCY_SECONDS * 1000,
    maxKeys: settings.IDEMPOTENCY_KEYS,
  });
  metrics.observe({ fanOut, log, keys });
  const publisher = new Publisher({
    epoch,
    fanOut,
    keys,
    clock,
    maxContentBytes: settings.MAX_CONTENT_BYTES,
    maxWaitingRepeats: settings.MAX_PENDING_PUSHES,
    onAnswered: (api, code, seconds) => metrics.answered(api, code, seconds),
  });
  const service = new PushService({
    publisher,
    fanOut,
    clock,
    logger,
    ackTimeoutMs: settings.ACK_TIMEOUT_MS,
    maxInFlightPerStream: settings.STREAM_MAX_IN_FLIGHT,
  });

  const grpc = createGrpcServer({
    descriptorSet: readDescriptorSet(),
    services: [PUSH_SERVICE_NAME],
    maxReceiveBytes: maxReceiveBytes(settings.MAX_CONTENT_BYTES),
    maxCallsPerConnection: settings.GRPC_MAX_CALLS,
  });
  grpc.addService(pushServiceDefinition, service.handlers);

  let hasFirstList = false;
  let isStopping = false;
  const ops = createOpsServer({
    metrics: metricsRegistry,
    checks: {
      registry: () => hasFirstList || "the first list of nodes has not been read",
      running: () => !isStopping || "stopping",
    },
    onError,
  });

  const registry =
    parts.registry ?? createRegistry(registryOptions(settings), registryEvents(logger, metrics));
  let watch: Watch | undefined;
  let stopped: Promise<void> | undefined;

  const start = async (): Promise<PushManagerReady> => {
    if (isStopping) throw new Error("has been stopped");
    fanOut.start();
    watch = registry.watch((records) => {
      hasFirstList = true;
      if (!isStopping) grpc.setServing(true);
      fanOut.follow(records);
    });
    const [grpcPort, opsPort] = await Promise.all([
      grpc.listen(settings.GRPC_HOST, settings.GRPC_PORT),
      ops.listen(settings.OPS_HOST, settings.OPS_PORT),
    ]);
    logger.info({ grpcPort, opsPort }, "push-manager is up");
    return { epoch, ports: { grpc: grpcPort, ops: opsPort } };
  };

  const stopLimitMs = settings.STOP_SECONDS * 1000;
  const stop = async (): Promise<void> => {
    isStopping = true;
    logger.info("push-manager is stopping");
    watch?.close();
    grpc.setServing(false);
    const flushed = fanOut.stop(stopLimitMs * ANSWER_SHARE, stopLimitMs * FINAL_SHARE);
    service.stop();
    await flushed;
    await grpc.close(stopLimitMs * GRPC_CLOSE_SHARE);
    await ops.close(stopLimitMs * OPS_CLOSE_SHARE);
    if (parts.registry === undefined) await registry.close();
  };

  return {
    start,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    stopLimitMs,
  };
}

/**
 * Room for a push with the largest content and all other fields, so that content over the limit is
 * refused with its name; and for gRPC's usual 4 MiB of pushes in one message of a PushStream.
 */
function maxReceiveBytes(maxContentBytes: number): number {
  return Math.max(4 * MIB, 2 * maxContentBytes + MIB);
}

function packageVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function registryOptions(settings: PushManagerSettings): Parameters<typeof createRegistry>[0] {
  switch (settings.REGISTRY) {
    case "etcd":
      return {
        kind: "etcd",
        endpoints: settings.ETCD_ENDPOINTS ?? [],
        registrationTtlS: settings.REGISTRATION_TTL_S,
      };
    case "static":
      return { kind: "static", addresses: settings.NODES ?? [] };
    case "memory":
      return { kind: "memory", memory: new RegistryMemory() };
  }
}

function registryEvents(logger: Logger, metrics: PushManagerMetrics): RegistryEvents {
  return (event: RegistryEvent) => {
    metrics.registryEvent(event.type);
    const { type, ...fields } = event;
    if (type === "resynced") logger.info(fields, "registry resynced");
    else logger.warn(fields, `registry ${type}`);
  };
}
