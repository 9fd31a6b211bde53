import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { hostname } from "node:os";
import { readDescriptorSet } from "@pushcast/api";
import {
  createRegistry,
  logRegistryEvent,
  type Registry,
  registryOptions,
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
  type TimerHandle,
  Traces,
  VERSION,
} from "@pushcast/runtime";
import type { Registry as MetricsRegistry } from "prom-client";
import { AddressCounts } from "./address-counts.ts";
import { Admission } from "./admission.ts";
import { createAuth } from "./auth/create-auth.ts";
import { certificateGuard } from "./certificate-guard.ts";
import { createDeliveryCore } from "./delivery-core.ts";
import { DeliveryTracing } from "./delivery-tracing.ts";
import { Drain } from "./drain.ts";
import { drainRoute } from "./drain-route.ts";
import { Gateway } from "./gateway.ts";
import { Heartbeats } from "./heartbeats.ts";
import { ManagerLinks } from "./manager-links.ts";
import { createNodeMetrics } from "./metrics.ts";
import { createNodeService, nodeServiceDefinition } from "./node-service.ts";
import { peerConnector } from "./peer-connection.ts";
import { Peers } from "./peers.ts";
import { Readiness } from "./readiness.ts";
import { Replication } from "./replication.ts";
import { createRooms } from "./rooms/create-rooms.ts";
import type { NodeSettings } from "./settings.ts";

export interface ConnectNodeInit {
  settings: NodeSettings;
  logger: Logger;
  /** @default one made from the settings */
  registry?: Registry;
  /** @default the system's */
  clock?: Clock;
  /** @default one of its own, with the metrics of the process */
  metrics?: MetricsRegistry;
  /** Answers HTTP requests to the WebSocket port that are not for its path. @default 404 */
  onOtherRequest?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Its line when it is up. */
export type ConnectNodeReady = {
  readonly service: "connect-node";
  readonly node_id: string;
  readonly ports: { readonly ws: number; readonly grpc: number; readonly ops: number };
};

const SERVICE_NAME = "pushcast.v1.ConnectNodeService";
/** Room in a received message beside its content: a link's message holds up to 1 MiB of publications. */
const MESSAGE_OVERHEAD_BYTES = 8 * 1024 * 1024;
const HOUSEKEEPING_MS = 1_000;

/** Of STOP_SECONDS: the registry, clients that answer their close frames, gRPC's and HTTP's own ends, the last spans. */
const RELEASE_SHARE = 0.2;
const GATEWAY_CLOSE_SHARE = 0.35;
const GRPC_CLOSE_SHARE = 0.1;
const OPS_CLOSE_SHARE = 0.1;
const TRACES_CLOSE_SHARE = 0.1;

/**
 * A connect-node: takes publications from every push-manager's link and delivers them to its own
 * sessions.
 */
export function createConnectNode(init: ConnectNodeInit): Service<ConnectNodeReady> {
  const { settings, logger } = init;
  const clock = init.clock ?? systemClock;
  const nodeId = settings.POD_NAME ?? `${hostname()}-${randomBytes(4).toString("hex")}`;

  const registers = init.metrics ?? createMetrics();
  const gauges = {
    state: () => readiness.state,
    sessions: () => hub.sessions.size,
    users: () => hub.users.size,
    rooms: () => hub.rooms.size,
    laggingSessions: () => hub.lagging.size,
    logBytes: () => core.log.bytes,
    logLifetimeMs: () => core.log.lifetimeMs(clock.monotonicMs()),
    frameCacheBytes: () => core.frames.bytes,
    links: () => links.attached,
    pendingConnections: () => gateway.pendingConnections,
    revocations: () => core.revocations.size,
    authzPending: () => rooms.authz?.pending ?? 0,
    authzCached: () => rooms.authz?.cached ?? 0,
    recalledTickets: () => rooms.tickets.recalled,
    tails: () => core.tails.size,
  };
  const metrics = createNodeMetrics(registers, gauges, settings);
  const transport = openTransport({
    service: "connect_node",
    ownFiles: ["token_keys", "ticket_secrets", "authz_token"],
    settings,
    registry: registers,
    clock,
    logger,
  });
  const { files, grpcTls: tls } = transport;
  const { GRPC_TLS_MANAGER_NAME: managerName, GRPC_TLS_SERVER_NAME: nodeName } = settings;
  const auth = createAuth({ settings, files, clock, logger, metrics });
  const rooms = createRooms({ settings, files, clock, logger, metrics });
  const traces = new Traces({
    service: "connect_node",
    instanceId: nodeId,
    settings,
    registry: registers,
    logger,
  });
  const core = createDeliveryCore({
    nodeId,
    settings,
    clock,
    logger,
    metrics,
    rights: rooms.rights,
    tracing: new DeliveryTracing({ traces, nodeId, clock }),
    ...auth.core,
  });
  const { hub, sessions, intake } = core;
  const links = new ManagerLinks(intake);
  const drain = new Drain({
    hub,
    sessions,
    clock,
    acceptMs: settings.DRAIN_ACCEPT_SECONDS * 1000,
    handOverMs: settings.DRAIN_SECONDS * 1000,
    onProgress: (progress) => logger.info(progress, "draining"),
  });
  const heartbeats = new Heartbeats({
    clock,
    intervalMs: settings.HEARTBEAT_MS,
    beat: (session) => sessions.heartbeat(session),
  });

  const registry =
    init.registry ??
    createRegistry(registryOptions(settings, transport.etcdTls), (event) => {
      logRegistryEvent(logger, event);
      metrics.registryEvents.inc({ type: event.type });
    });
  const readiness = new Readiness({
    registry,
    isDraining: () => drain.begun,
    onReady: () => {
      grpc.setServing(true);
      logger.info({ nodeId }, "ready");
    },
  });
  const addresses = new AddressCounts();
  const admission = new Admission({
    clock,
    ratePerSecond: settings.HANDSHAKE_RATE,
    burst: settings.HANDSHAKE_BURST,
    maxSessions: settings.MAX_SESSIONS,
    maxSessionsPerUser: settings.MAX_SESSIONS_PER_USER,
    maxSessionsPerAddress: settings.MAX_SESSIONS_PER_ADDRESS,
    ratePerAddress: settings.HANDSHAKE_RATE_PER_ADDRESS,
    maxRetryAfterSeconds: settings.RETRY_AFTER_MAX_SECONDS,
    isStarting: () => !readiness.ready,
    isDraining: () => !drain.accepts,
    openSessions: () => hub.sessions.size + gateway.unidentified,
    sessionsOfUser: (userId) => hub.users.get(userId)?.sessions.size ?? 0,
    sessionsOfAddress: (address) => addresses.sessionsOf(address),
  });
  const gateway = new Gateway({
    sessions,
    heartbeats,
    metrics,
    logger,
    admission,
    authenticator: auth.authenticator,
    allowedOrigins: settings.ALLOWED_ORIGINS,
    addresses,
    trustedProxies: settings.TRUSTED_PROXIES,
    clock,
    maxPendingConnections: settings.MAX_PENDING_CONNECTIONS,
    handshakeMs: settings.HANDSHAKE_SECONDS * 1000,
    maxHeaderBytes: settings.MAX_HEADER_BYTES,
    maxFrameBytes: settings.MAX_FRAME_BYTES,
    maxFragments: settings.MAX_FRAGMENTS,
    sessionBufferBytes: settings.SESSION_BUFFER_BYTES,
    ...(init.onOtherRequest === undefined ? {} : { onOtherRequest: init.onOtherRequest }),
  });
  const maxReceiveBytes = settings.MAX_CONTENT_BYTES + MESSAGE_OVERHEAD_BYTES;
  const grpc = createGrpcServer({
    descriptorSet: readDescriptorSet(),
    services: [SERVICE_NAME],
    maxReceiveBytes,
    maxCallsPerConnection: settings.GRPC_MAX_CALLS,
    ...(tls && {
      tls,
      guard: certificateGuard({ managerName, nodeName }, (code) =>
        transport.counters.callRefused(code),
      ),
    }),
  });
  grpc.addService(
    nodeServiceDefinition,
    createNodeService({
      nodeId,
      version: VERSION,
      hub,
      intake,
      links,
      log: core.log,
      revocations: core.revocations,
      readiness,
      tails: core.tails,
      maxTails: settings.MAX_TAILS,
      tailBufferBytes: settings.TAIL_BUFFER_BYTES,
      maxContentBytes: settings.MAX_CONTENT_BYTES,
      maxUnreadOutcomes: settings.LINK_MAX_UNREAD_OUTCOMES,
      metrics,
      clock,
      logger,
    }),
  );
  /** By a signal, by `POST /drain`, or by both. */
  const beginDrain = async (): Promise<void> => {
    if (drain.begun) return await drain.run();
    grpc.setServing(false);
    readiness.sayDraining();
    await drain.run();
  };
  const ops = createOpsServer({
    metrics: registers,
    checks: {
      registered: () => readiness.registered || "not registered yet",
      warm: () => readiness.ready || "reads what other nodes have",
      draining: () => !drain.begun || "draining",
    },
    routes: {
      "POST /drain": drainRoute({
        token: settings.OPS_TOKEN,
        begin: () => void beginDrain(),
        progress: () => drain.progress(),
      }),
    },
    onError: (err) => logger.error({ err }, "an ops request failed"),
  });
  let replication: Replication | undefined;
  const replicate = (self: { nodeId: string; grpcAddress: string }) =>
    new Replication({
      log: core.log,
      intake,
      revocations: core.revocations,
      links,
      peers: new Peers({
        self,
        registry,
        connect: peerConnector(maxReceiveBytes, tls && { tls, serverName: nodeName }),
      }),
      maxBytes: settings.LOG_BYTES,
      times: {
        warmMs: settings.WARM_SECONDS * 1000,
        reattachMs: settings.REATTACH_SECONDS * 1000,
        logMs: settings.LOG_SECONDS * 1000,
        lagMs: settings.LAG_SECONDS * 1000,
      },
      clock,
      logger,
      metrics,
    });

  let housekeeping: TimerHandle;
  let starting: Promise<unknown> | undefined;
  let isStopping = false;
  /** A stop that came meanwhile waits for the start to end, which is here. */
  const goOnStarting = () => {
    if (isStopping) throw new Error("stopped while it started");
  };
  const start = async (): Promise<ConnectNodeReady> => {
    goOnStarting();
    await traces.start();
    goOnStarting();
    files.start();
    auth.start();
    housekeeping = clock.setInterval(core.housekeep, HOUSEKEEPING_MS, { unref: true });
    heartbeats.start();
    core.positionFrames.start();
    const grpcPort = await grpc.listen(settings.GRPC_HOST, settings.GRPC_PORT);
    goOnStarting();
    const wsPort = await gateway.listen(settings.WS_HOST, settings.WS_PORT);
    goOnStarting();
    const opsPort = await ops.listen(settings.OPS_HOST, settings.OPS_PORT);
    goOnStarting();
    const self = { nodeId, grpcAddress: grpcAddress(settings.POD_IP ?? "127.0.0.1", grpcPort) };
    replication = replicate(self);
    const startedAt = new Date(clock.now()).toISOString();
    void readiness.begin(replication, {
      ...self,
      zone: settings.ZONE,
      version: VERSION,
      startedAt,
    });
    logger.info({ nodeId, version: VERSION }, "listening");
    return {
      service: "connect-node",
      node_id: nodeId,
      ports: { ws: wsPort, grpc: grpcPort, ops: opsPort },
    };
  };

  const { DRAIN_ACCEPT_SECONDS, DRAIN_SECONDS, STOP_SECONDS } = settings;
  const stop = async (): Promise<void> => {
    isStopping = true;
    await starting?.catch(() => {});
    await beginDrain();
    links.closeAll();
    core.tails.closeAll();
    await within(STOP_SECONDS * 1000 * RELEASE_SHARE, readiness.release());
    replication?.stop();
    heartbeats.stop();
    core.positionFrames.stop();
    auth.stop();
    rooms.stop();
    clock.clearInterval(housekeeping);
    await gateway.close(STOP_SECONDS * 1000 * GATEWAY_CLOSE_SHARE);
    links.endAll();
    await grpc.close(STOP_SECONDS * 1000 * GRPC_CLOSE_SHARE);
    await traces.stop(STOP_SECONDS * 1000 * TRACES_CLOSE_SHARE);
    await ops.close(STOP_SECONDS * 1000 * OPS_CLOSE_SHARE);
    files.stop();
    if (init.registry === undefined) await registry.close();
  };

  let stopped: Promise<void> | undefined;
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
    stopLimitMs: (DRAIN_ACCEPT_SECONDS + DRAIN_SECONDS + STOP_SECONDS) * 1000,
  };
}

/** The promise, or no longer than that. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}

function grpcAddress(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
