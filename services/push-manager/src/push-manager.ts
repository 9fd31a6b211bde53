import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { readDescriptorSet } from "@pushcast/api";
import {
  createRegistry,
  logRegistryEvent,
  type Registry,
  registryOptions,
  type Watch,
} from "@pushcast/registry";
import {
  type Clock,
  createGrpcServer,
  createMetrics,
  createOpsServer,
  type Logger,
  openTransport,
  type Service,
  systemClock,
  Traces,
  VERSION,
} from "@pushcast/runtime";
import type { Registry as MetricsRegistry } from "prom-client";
import { openPushAccess } from "./access/open-push-access.ts";
import { ANYBODY } from "./access/push-access.ts";
import { createConsole } from "./console/console.ts";
import { ConsoleMetrics } from "./console/console-metrics.ts";
import { readPageFiles } from "./console/page-files.ts";
import { PushFigures } from "./console/push-figures.ts";
import { FanOut, type FanOutCounters } from "./fan-out.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import { PushManagerMetrics } from "./metrics.ts";
import { nodeConnector } from "./node-connection.ts";
import { OutgoingLog } from "./outgoing-log.ts";
import { Publisher } from "./publisher.ts";
import { PUSH_SERVICE_NAME, PushService, pushServiceDefinition } from "./push-service.ts";
import { PushTracing } from "./push-tracing.ts";
import type { PushManagerSettings } from "./settings.ts";

export interface PushManagerInit {
  settings: PushManagerSettings;
  logger: Logger;
  /** Closed by whoever made it. @default one made from the settings */
  registry?: Registry;
  /** @default the system's */
  clock?: Clock;
  /** @default one of its own, with the metrics of the process */
  metrics?: MetricsRegistry;
}

/** Its line when it is up. */
export type PushManagerReady = {
  readonly service: "push-manager";
  readonly epoch: string;
  readonly ports: { readonly grpc: number; readonly ops: number };
};

const EPOCH_BYTES = 8;
const MIB = 1024 * 1024;

/** Of the time that a stop may take: answers, final messages, gRPC's own end, the last spans. */
const ANSWER_SHARE = 0.4;
const FINAL_SHARE = 0.2;
const GRPC_CLOSE_SHARE = 0.2;
const OPS_CLOSE_SHARE = 0.1;
const TRACES_CLOSE_SHARE = 0.05;
/** Besides those of consoles. */
const OPS_CONNECTIONS = 256;

/** A push-manager: PushManagerService, the links to all nodes, and the ops server. */
export function createPushManager(init: PushManagerInit): Service<PushManagerReady> {
  const { settings } = init;
  const epoch = randomBytes(EPOCH_BYTES).toString("hex");
  const clock = init.clock ?? systemClock;
  const managerId = init.settings.POD_NAME || hostname();
  const metricsRegistry = init.metrics ?? createMetrics();
  const logger = init.logger.child({ epoch });
  const onError = (err: unknown) => logger.error({ err }, "unexpected error");

  const metrics = new PushManagerMetrics(metricsRegistry);
  const consoleMetrics = new ConsoleMetrics(metricsRegistry, settings);
  const figures = settings.CONSOLE === "on" ? new PushFigures() : undefined;
  const transport = openTransport({
    service: "push_manager",
    ownFiles: ["push_tokens"],
    settings,
    registry: metricsRegistry,
    clock,
    logger,
  });
  const { files, grpcTls: tls } = transport;
  const traces = new Traces({
    service: "push_manager",
    instanceId: epoch,
    settings,
    registry: metricsRegistry,
    logger,
  });
  const access = openPushAccess({
    settings,
    files,
    clock,
    logger,
    metrics,
    transport: transport.counters,
  });
  const log = new OutgoingLog(epoch, {
    maxBytes: settings.LOG_BYTES,
    maxAgeMs: settings.LOG_SECONDS * 1000,
  });
  const fanOut = new FanOut({
    log,
    clock,
    logger,
    counters: figures === undefined ? metrics : withFigures(metrics, figures),
    managerId,
    version: VERSION,
    connect: nodeConnector(tls && { tls, serverName: settings.GRPC_TLS_SERVER_NAME }),
    random: Math.random,
    logBytes: settings.LOG_BYTES,
    maxPendingPushes: settings.MAX_PENDING_PUSHES,
    ackTimeoutMs: settings.ACK_TIMEOUT_MS,
  });
  const keys = new IdempotencyKeys({
    maxAgeMs: settings.IDEMPOTENCY_SECONDS * 1000,
    maxKeys: settings.IDEMPOTENCY_KEYS,
  });
  const publisher = new Publisher({
    epoch,
    fanOut,
    keys,
    clock,
    maxContentBytes: settings.MAX_CONTENT_BYTES,
    maxWaitingRepeats: settings.MAX_PENDING_PUSHES,
    onAnswered: (api, code, seconds) => {
      metrics.answered(api, code, seconds);
      figures?.answered(code, seconds);
    },
  });
  const service = new PushService({
    publisher,
    fanOut,
    callerOf: (metadata) => access?.callerOf(metadata) ?? ANYBODY,
    clock,
    logger,
    ackTimeoutMs: settings.ACK_TIMEOUT_MS,
    maxInFlightPerStream: settings.STREAM_MAX_IN_FLIGHT,
    maxStreams: settings.MAX_PUSH_STREAMS,
    onStreamRefused: () => metrics.streamRefused(),
    tracing: new PushTracing({ traces, random: Math.random }),
  });
  metrics.observe({ fanOut, log, keys, openStreams: () => service.openStreams, settings });

  const grpc = createGrpcServer({
    descriptorSet: readDescriptorSet(),
    services: [PUSH_SERVICE_NAME],
    maxReceiveBytes: maxReceiveBytes(settings.MAX_CONTENT_BYTES),
    maxCallsPerConnection: settings.GRPC_MAX_CALLS,
    ...(settings.GRPC_MAX_CONNECTION_SECONDS === 0
      ? {}
      : { maxConnectionAgeMs: settings.GRPC_MAX_CONNECTION_SECONDS * 1000 }),
    ...(tls && { tls }),
    ...(access && { guard: access.guard }),
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
    ...(figures && {
      // However many consoles there are, probes and Prometheus have their room.
      maxConnections: OPS_CONNECTIONS + settings.CONSOLE_MAX_VIEWERS + settings.CONSOLE_MAX_TAILS,
      routes: createConsole({
        settings,
        files: readPageFiles(),
        manager: { epoch, managerId, version: VERSION },
        fanOut,
        figures,
        publisher,
        caller: access?.console ?? ANYBODY,
        ackTimeoutMs: settings.ACK_TIMEOUT_MS,
        clock,
        logger,
        metrics: consoleMetrics,
      }),
    }),
    onError,
  });

  const registry =
    init.registry ??
    createRegistry(registryOptions(settings, transport.etcdTls), (event) => {
      logRegistryEvent(logger, event);
      metrics.registryEvent(event.type);
    });
  let watch: Watch | undefined;
  let starting: Promise<unknown> | undefined;
  let stopped: Promise<void> | undefined;
  /** A stop that came meanwhile waits for the start to end, which is here. */
  const goOnStarting = () => {
    if (isStopping) throw new Error("stopped while it started");
  };

  const start = async (): Promise<PushManagerReady> => {
    goOnStarting();
    await traces.start();
    goOnStarting();
    files.start();
    fanOut.start();
    watch = registry.watch((records) => {
      hasFirstList = true;
      if (!isStopping) grpc.setServing(true);
      fanOut.follow(records);
    });
    const grpcPort = await grpc.listen(settings.GRPC_HOST, settings.GRPC_PORT);
    goOnStarting();
    const opsPort = await ops.listen(settings.OPS_HOST, settings.OPS_PORT);
    goOnStarting();
    logger.info({ grpcPort, opsPort }, "push-manager is up");
    return { service: "push-manager", epoch, ports: { grpc: grpcPort, ops: opsPort } };
  };

  const stopLimitMs = settings.STOP_SECONDS * 1000;
  const stop = async (): Promise<void> => {
    isStopping = true;
    logger.info("push-manager is stopping");
    await starting?.catch(() => {});
    watch?.close();
    grpc.setServing(false);
    const flushed = fanOut.stop(stopLimitMs * ANSWER_SHARE, stopLimitMs * FINAL_SHARE);
    service.stop();
    await flushed;
    await grpc.close(stopLimitMs * GRPC_CLOSE_SHARE);
    await traces.stop(stopLimitMs * TRACES_CLOSE_SHARE);
    await ops.close(stopLimitMs * OPS_CLOSE_SHARE);
    files.stop();
    if (init.registry === undefined) await registry.close();
  };

  return {
    start: () => {
      const started = start();
      starting = started;
      return started;
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    stopLimitMs,
  };
}

/** Counts for both. */
function withFigures(metrics: FanOutCounters, figures: PushFigures): FanOutCounters {
  return {
    appended: (api, nodesTotal) => {
      metrics.appended(api, nodesTotal);
      figures.appended(nodesTotal);
    },
    delivered: (api, sessions) => {
      metrics.delivered(api, sessions);
      figures.delivered(sessions);
    },
    failed: (failures) => metrics.failed(failures),
  };
}

/**
 * Room for a push with the largest content and all other fields, so that content over the limit is
 * refused with its name; and for gRPC's usual 4 MiB of pushes in one message of a PushStream.
 */
function maxReceiveBytes(maxContentBytes: number): number {
  return Math.max(4 * MIB, 2 * maxContentBytes + MIB);
}
