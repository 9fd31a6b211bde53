import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { hostname } from "node:os";
import { readDescriptorSet } from "@pushcast/api";
import {
  createRegistry,
  logRegistryEvent,
  type Registration,
  type Registry,
  registryOptions,
} from "@pushcast/registry";
import {
  type Clock,
  createGrpcServer,
  createMetrics,
  createOpsServer,
  type Logger,
  type ReadyInfo,
  type Service,
  systemClock,
  VERSION,
} from "@pushcast/runtime";
import type { HttpErrorCode } from "@pushcast/wire";
import { CatchUp } from "./catch-up.ts";
import { Delivery } from "./delivery.ts";
import { Drain } from "./drain.ts";
import { drainRoute } from "./drain-route.ts";
import { Flusher } from "./flusher.ts";
import { FrameCache } from "./frames.ts";
import { Gateway } from "./gateway.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Hub } from "./hub.ts";
import { Intake } from "./intake.ts";
import { ManagerLinks } from "./manager-links.ts";
import { createNodeMetrics } from "./metrics.ts";
import { type NodeEntry, NodeLog } from "./node-log.ts";
import { createNodeService, nodeServiceDefinition } from "./node-service.ts";
import { SessionService } from "./session-service.ts";
import type { NodeSettings } from "./settings.ts";
import { Writer } from "./writer.ts";

export interface ConnectNodeInit {
  settings: NodeSettings;
  logger: Logger;
  /** @default one made from the settings */
  registry?: Registry;
  /** @default the system's */
  clock?: Clock;
  /** Answers HTTP requests to the WebSocket port that are not for its path. @default 404 */
  onOtherRequest?: (request: IncomingMessage, response: ServerResponse) => void;
}

const SERVICE_NAME = "pushcast.v1.ConnectNodeService";
/** Room in a received message beside its content: a link's message holds up to 1 MiB of publications. */
const MESSAGE_OVERHEAD_BYTES = 8 * 1024 * 1024;
const HOUSEKEEPING_MS = 1_000;

/**
 * A connect-node: takes publications from every push-manager's link and delivers them to its own
 * sessions. Data goes one way: node service → intake → delivery → flusher → writer → sockets.
 */
export function createConnectNode(init: ConnectNodeInit): Service<ReadyInfo> {
  const { settings, logger } = init;
  const clock = init.clock ?? systemClock;
  const nodeId = settings.POD_NAME ?? `${hostname()}-${randomBytes(4).toString("hex")}`;

  const hub = new Hub();
  const frames = new FrameCache(settings.FRAME_CACHE_BYTES);
  const log = new NodeLog(
    { maxBytes: settings.LOG_BYTES, maxAgeMs: settings.LOG_SECONDS * 1000 },
    (entry) => onEvicted(entry),
  );
  const registers = createMetrics();
  const metrics = createNodeMetrics(registers, {
    sessions: () => hub.sessions.size,
    users: () => hub.users.size,
    rooms: () => hub.rooms.size,
    laggingSessions: () => hub.lagging.size,
    logBytes: () => log.bytes,
    frameCacheBytes: () => frames.bytes,
    links: () => links.attached,
  });
  const writer = new Writer({
    hub,
    frames,
    sessionBufferBytes: settings.SESSION_BUFFER_BYTES,
    monotonicMs: () => clock.monotonicMs(),
    onDelivered: ({ room, user, all }) => {
      if (room > 0) metrics.deliveries.inc({ target: "room" }, room);
      if (user > 0) metrics.deliveries.inc({ target: "user" }, user);
      if (all > 0) metrics.deliveries.inc({ target: "all" }, all);
    },
  });
  const flusher = new Flusher({
    hub,
    writer,
    clock,
    windowMs: settings.FLUSH_WINDOW_MS,
    onFlushed: (entries) => {
      const nowMs = clock.now();
      for (const { publication } of entries) {
        metrics.deliverySeconds.observe(Math.max(0, nowMs - publication.atMs) / 1000);
      }
    },
  });
  const catchUp = new CatchUp({
    hub,
    log,
    writer,
    onGap: () => metrics.gaps.inc({ reason: "evicted" }),
  });
  const sessions = new SessionService({
    nodeId,
    hub,
    log,
    writer,
    catchUp,
    clock,
    logger,
    metrics,
    limits: {
      maxRooms: settings.MAX_ROOMS_PER_SESSION,
      lagMs: settings.LAG_SECONDS * 1000,
      heartbeatMs: settings.HEARTBEAT_MS,
    },
  });
  const delivery = new Delivery({ hub, log, flusher, writer, sessions });
  const intake = new Intake({ log, delivery, clock, metrics });
  const links = new ManagerLinks(intake);
  const drain = new Drain({
    hub,
    sessions,
    clock,
    acceptMs: settings.DRAIN_ACCEPT_SECONDS * 1000,
    handOverMs: settings.DRAIN_SECONDS * 1000,
  });
  const heartbeats = new Heartbeats({
    clock,
    intervalMs: settings.HEARTBEAT_MS,
    beat: (session) => sessions.heartbeat(session),
  });

  const onEvicted = (entry: NodeEntry) => {
    const below = entry.offset + 1;
    const { roomId, userIds, command } = entry.publication;
    intake.evicted(entry);
    if (command !== undefined) return;
    if (roomId !== "") {
      const room = hub.rooms.get(roomId);
      if (room !== undefined) room.evictedBelow = below;
    } else if (userIds.length === 0) {
      hub.everyone.evictedBelow = below;
    } else {
      for (const userId of userIds) {
        const user = hub.users.get(userId);
        if (user !== undefined) user.evictedBelow = below;
      }
    }
  };

  let registered = false;
  const refusal = (): HttpErrorCode | undefined => {
    if (!registered) return "NODE_STARTING";
    if (!drain.accepts) return "NODE_DRAINING";
    return hub.sessions.size >= settings.MAX_SESSIONS ? "NODE_FULL" : undefined;
  };
  const gateway = new Gateway({
    sessions,
    heartbeats,
    metrics,
    logger,
    refusal,
    maxFrameBytes: settings.MAX_FRAME_BYTES,
    sessionBufferBytes: settings.SESSION_BUFFER_BYTES,
    ...(init.onOtherRequest === undefined ? {} : { onOtherRequest: init.onOtherRequest }),
  });
  const grpc = createGrpcServer({
    descriptorSet: readDescriptorSet(),
    services: [SERVICE_NAME],
    maxReceiveBytes: settings.MAX_CONTENT_BYTES + MESSAGE_OVERHEAD_BYTES,
    maxCallsPerConnection: settings.GRPC_MAX_CALLS,
  });
  grpc.addService(
    nodeServiceDefinition,
    createNodeService({
      nodeId,
      version: VERSION,
      hub,
      intake,
      links,
      maxContentBytes: settings.MAX_CONTENT_BYTES,
      clock,
      logger,
    }),
  );
  let registration: Registration | undefined;
  /** Begins the drain, by a signal or by `POST /drain`. */
  const beginDrain = async (): Promise<void> => {
    if (!drain.begun) logger.info({ sessions: hub.sessions.size }, "drain begins");
    grpc.setServing(false);
    void registration?.update({ state: "draining" });
    await drain.run();
    logger.info("drained");
  };
  const ops = createOpsServer({
    metrics: registers,
    checks: {
      registered: () => registered || "not registered yet",
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
  const registry =
    init.registry ??
    createRegistry(registryOptions(settings), (event) => {
      logRegistryEvent(logger, event);
      metrics.registryEvents.inc({ type: event.type });
    });

  const housekeeping = clock.setInterval(
    () => {
      log.evictExpired(clock.monotonicMs());
      log.epochs.forgetGone(clock.monotonicMs(), 2 * settings.LOG_SECONDS * 1000);
      sessions.closeTooSlow();
    },
    HOUSEKEEPING_MS,
    { unref: true },
  );

  const start = async (): Promise<ReadyInfo> => {
    const grpcPort = await grpc.listen(settings.GRPC_HOST, settings.GRPC_PORT);
    const wsPort = await gateway.listen(settings.WS_HOST, settings.WS_PORT);
    const opsPort = await ops.listen(settings.OPS_HOST, settings.OPS_PORT);
    registration = registry.register({
      nodeId,
      grpcAddress: grpcAddress(settings.POD_IP ?? "127.0.0.1", grpcPort),
      state: "starting",
      zone: settings.ZONE,
      version: VERSION,
      startedAt: new Date(clock.now()).toISOString(),
    });
    void registration.registered.then(() => {
      if (drain.begun) return;
      registered = true;
      grpc.setServing(true);
      void registration?.update({ state: "ready" });
      logger.info({ nodeId }, "registered");
    });
    logger.info({ nodeId, version: VERSION }, "listening");
    return {
      service: "connect-node",
      node_id: nodeId,
      ports: { ws: wsPort, grpc: grpcPort, ops: opsPort },
    };
  };

  const stop = async (): Promise<void> => {
    await beginDrain();
    links.closeAll();
    await registration?.release();
    heartbeats.stop();
    clock.clearInterval(housekeeping);
    await gateway.close();
    links.endAll();
    await grpc.close(GRPC_GRACE_MS);
    await ops.close();
    if (init.registry === undefined) await registry.close();
  };

  const { DRAIN_ACCEPT_SECONDS, DRAIN_SECONDS, STOP_SECONDS } = settings;
  return {
    start,
    stop,
    stopLimitMs: (DRAIN_ACCEPT_SECONDS + DRAIN_SECONDS + STOP_SECONDS) * 1000,
  };
}

/** For managers to notice that the node is closing before its streams end. */
const GRPC_GRACE_MS = 1_000;

function grpcAddress(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
