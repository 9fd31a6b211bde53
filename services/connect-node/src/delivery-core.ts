import { publicationId } from "@pushcast/log";
import type { Clock, Logger } from "@pushcast/runtime";
import { closeReason } from "@pushcast/wire";
import { Revocations } from "./auth/revocations.ts";
import { TokenExpiries } from "./auth/token-expiries.ts";
import { TokenFrames } from "./auth/token-frames.ts";
import type { TokenVerifier } from "./auth/token-verifier.ts";
import { CatchUp, type CatchUpBudget } from "./catch-up.ts";
import { Delivery } from "./delivery.ts";
import type { DeliveryTracing } from "./delivery-tracing.ts";
import { Flusher } from "./flusher.ts";
import { FrameCache } from "./frames.ts";
import { Hub } from "./hub.ts";
import { Intake } from "./intake.ts";
import type { NodeMetrics } from "./metrics.ts";
import { type NodeEntry, NodeLog } from "./node-log.ts";
import { PositionFrames } from "./position-frames.ts";
import { Recovery } from "./recovery.ts";
import { RoomTails } from "./room-tails.ts";
import type { RoomRights } from "./rooms/room-rights.ts";
import { SessionService } from "./session-service.ts";
import type { NodeSettings } from "./settings.ts";
import { Writer } from "./writer.ts";

/** What one turn of the event loop does at most, so that I/O and others have their turn. */
export interface TurnBudget extends CatchUpBudget {
  /** Sends of one audience before another gets its turn. */
  readonly flushSends: number;
}

/** At 8 to 10 µs a send, 512 sends are about 5 ms: well below what a person or a p99 notices. */
const TURN_BUDGET: TurnBudget = { flushSends: 512, sessionEntries: 128, entries: 1024 };

/** A manager that sends nothing else would fill the logs; the metric counts all. */
const INVALID_WARNING_EVERY_MS = 1_000;

export interface DeliveryCoreInit {
  nodeId: string;
  settings: Pick<
    NodeSettings,
    | "LOG_BYTES"
    | "LOG_SECONDS"
    | "FRAME_CACHE_BYTES"
    | "SESSION_BUFFER_BYTES"
    | "LAG_SECONDS"
    | "MAX_REPLAY_MESSAGES"
    | "FLUSH_WINDOW_MS"
    | "MAX_ROOMS_PER_SESSION"
    | "FRAME_RATE"
    | "FRAME_BURST"
    | "HEARTBEAT_MS"
    | "JWT_CLOCK_TOLERANCE_SECONDS"
    | "JWT_MAX_SECONDS"
    | "TOKEN_FRAMES_PER_MINUTE"
    | "MAX_REVOCATIONS"
  >;
  clock: Clock;
  logger: Logger;
  metrics: NodeMetrics;
  /** Judges the tokens that sessions send. @default they may send none */
  verifier?: TokenVerifier;
  /** Who may join which room. */
  rights: RoomRights;
  /** @default what suits a node of one core */
  budget?: TurnBudget;
  /** @default nothing is traced */
  tracing?: DeliveryTracing;
}

/** A node without its servers: what links bring goes in by `intake`, sessions by `sessions`. */
export interface DeliveryCore {
  readonly hub: Hub;
  readonly log: NodeLog;
  readonly frames: FrameCache;
  readonly intake: Intake;
  readonly sessions: SessionService;
  readonly revocations: Revocations;
  readonly tails: RoomTails;
  readonly positionFrames: PositionFrames;
  /** Drops what is too old, and closes who is too slow or whose token has expired. The owner calls it about once a second. */
  housekeep(): void;
}

/** Data goes one way: intake → delivery → flusher → writer → the sessions' sockets. */
export function createDeliveryCore(init: DeliveryCoreInit): DeliveryCore {
  const { settings, clock, logger, metrics, rights, tracing, budget = TURN_BUDGET } = init;
  const logMs = settings.LOG_SECONDS * 1000;

  const hub = new Hub();
  const frames = new FrameCache(settings.FRAME_CACHE_BYTES);
  const onEvicted = (entry: NodeEntry) => {
    intake.evicted(entry);
    hub.evicted(entry);
  };
  const bounds = { maxBytes: settings.LOG_BYTES, maxAgeMs: logMs };
  const log = new NodeLog(bounds, clock.monotonicMs(), onEvicted);
  const recovery = new Recovery(log, {
    logMs,
    lagMs: settings.LAG_SECONDS * 1000,
    maxReplay: settings.MAX_REPLAY_MESSAGES,
  });
  const writer = new Writer({
    hub,
    log,
    frames,
    sessionBufferBytes: settings.SESSION_BUFFER_BYTES,
    monotonicMs: () => clock.monotonicMs(),
    delivered: metrics.deliveries,
  });
  const flusher = new Flusher({
    hub,
    writer,
    clock,
    windowMs: settings.FLUSH_WINDOW_MS,
    sliceSends: budget.flushSends,
    onFlushed: (entries) => {
      tracing?.written(entries);
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
    budget,
    clock,
    onGap: () => metrics.gaps.inc({ reason: "evicted" }),
  });
  const toleranceMs = settings.JWT_CLOCK_TOLERANCE_SECONDS * 1000;
  const revocations = new Revocations({
    clock,
    keepMs: settings.JWT_MAX_SECONDS * 1000 + toleranceMs,
    maxUsers: settings.MAX_REVOCATIONS,
  });
  const expiries = new TokenExpiries({
    clock,
    toleranceMs,
    close: (session) => {
      metrics.tokenExpiries.inc();
      sessions.close(session, closeReason("TOKEN_EXPIRED", "the token has expired"));
    },
  });
  const tokenFrames =
    init.verifier &&
    new TokenFrames({
      verifier: init.verifier,
      revocations,
      clock,
      perMinute: settings.TOKEN_FRAMES_PER_MINUTE,
      onRefused: (reason) => metrics.rejections.inc({ reason }),
    });
  const sessions: SessionService = new SessionService({
    nodeId: init.nodeId,
    hub,
    log,
    writer,
    flusher,
    catchUp,
    recovery,
    revocations,
    expiries,
    tokenFrames,
    rights,
    clock,
    logger,
    metrics,
    limits: {
      maxRooms: settings.MAX_ROOMS_PER_SESSION,
      lagMs: settings.LAG_SECONDS * 1000,
      heartbeatMs: settings.HEARTBEAT_MS,
      frames: { ratePerSecond: settings.FRAME_RATE, burst: settings.FRAME_BURST },
    },
  });
  const delivery = new Delivery({ hub, log, flusher, writer, sessions, revocations, rights });
  const positionFrames = new PositionFrames({
    hub,
    log,
    flusher,
    writer,
    clock,
    logMs,
    sliceSends: budget.flushSends,
  });
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  const tails = new RoomTails();
  const intake = new Intake({
    log,
    delivery,
    tails,
    clock,
    metrics,
    logMs,
    tracing,
    onInvalid: (publication) => {
      const nowMs = clock.monotonicMs();
      if (nowMs - warnedAtMs < INVALID_WARNING_EVERY_MS) return;
      warnedAtMs = nowMs;
      const id = publicationId(publication);
      logger.warn({ publication: id }, "a publication was skipped: its time or command is invalid");
    },
  });

  return {
    hub,
    log,
    frames,
    intake,
    sessions,
    revocations,
    tails,
    positionFrames,
    housekeep: () => {
      log.evictExpired(clock.monotonicMs());
      log.epochs.forgetGone(clock.monotonicMs(), 2 * logMs);
      sessions.closeTooSlow();
      expiries.closeExpired();
      revocations.forgetOld();
    },
  };
}
