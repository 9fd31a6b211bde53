import { randomUUID } from "node:crypto";
import { capPosition, maxPosition, type Position } from "@pushcast/log";
import type { Clock, Logger } from "@pushcast/runtime";
import {
  type ClientFrame,
  type CloseReason,
  type Codec,
  closeReason,
  PING_FRAME,
} from "@pushcast/wire";
import type { Revocations } from "./auth/revocations.ts";
import type { TokenExpiries } from "./auth/token-expiries.ts";
import type { TokenFrames } from "./auth/token-frames.ts";
import type { CatchUp } from "./catch-up.ts";
import type { Flusher } from "./flusher.ts";
import type { Hub } from "./hub.ts";
import type { Identity } from "./identity.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLog } from "./node-log.ts";
import type { Recovery } from "./recovery.ts";
import { claimsAllow } from "./rooms/room-claims.ts";
import type { JoinJudgement, JoinRefusal, RoomRights } from "./rooms/room-rights.ts";
import { Session, type SessionSocket, type Subscription } from "./session.ts";
import { TokenBucket, type TokenRate } from "./token-bucket.ts";
import type { Writer } from "./writer.ts";

export interface SessionLimits {
  /** Of one session. */
  readonly maxRooms: number;
  /** A session that lags for longer is closed. */
  readonly lagMs: number;
  /** How often the server pings. */
  readonly heartbeatMs: number;
  /** Of one session, control frames among them. */
  readonly frames: TokenRate;
}

type JoinFrame = ClientFrame & { type: "join" };
type JoinErrorCode = "ROOM_FORBIDDEN" | "AUTHZ_UNAVAILABLE" | "TOO_MANY_ROOMS";

/** How long *self* is held for a client that connected with `?resume=1`. */
const RESUME_HOLD_MS = 5_000;
/** Heartbeats without any sign of life before a session is silent. */
const SILENT_HEARTBEATS = 2;

/** The life of sessions: opened, served frame by frame, closed. The protocol's rules are here. */
export class SessionService {
  readonly #nodeId: string;
  readonly #hub: Hub;
  readonly #log: NodeLog;
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: NodeMetrics;
  readonly #writer: Writer;
  readonly #flusher: Flusher;
  readonly #catchUp: CatchUp;
  readonly #recovery: Recovery;
  readonly #revocations: Revocations;
  readonly #expiries: TokenExpiries;
  readonly #tokenFrames: TokenFrames | undefined;
  readonly #rights: RoomRights;

  constructor(init: {
    nodeId: string;
    hub: Hub;
    log: NodeLog;
    writer: Writer;
    flusher: Flusher;
    catchUp: CatchUp;
    recovery: Recovery;
    revocations: Revocations;
    expiries: TokenExpiries;
    /** None with `AUTH_MODE=none`. */
    tokenFrames: TokenFrames | undefined;
    rights: RoomRights;
    limits: SessionLimits;
    clock: Clock;
    logger: Logger;
    metrics: NodeMetrics;
  }) {
    this.#nodeId = init.nodeId;
    this.#hub = init.hub;
    this.#log = init.log;
    this.#writer = init.writer;
    this.#flusher = init.flusher;
    this.#catchUp = init.catchUp;
    this.#recovery = init.recovery;
    this.#revocations = init.revocations;
    this.#expiries = init.expiries;
    this.#tokenFrames = init.tokenFrames;
    this.#rights = init.rights;
    this.#limits = init.limits;
    this.#clock = init.clock;
    this.#logger = init.logger;
    this.#metrics = init.metrics;
  }

  /** Whether its token was revoked: then it may not open. */
  isRevoked(identity: Identity): boolean {
    return this.#revocations.covers(identity);
  }

  /** @param resumes the client will resume *self*, which is held until then */
  open(init: {
    identity: Identity;
    codec: Codec;
    socket: SessionSocket;
    resumes: boolean;
  }): Session {
    const session = new Session({
      id: randomUUID(),
      identity: init.identity,
      codec: init.codec,
      socket: init.socket,
      openedAtMs: this.#clock.now(),
      offset: this.#log.end,
    });
    this.#hub.add(session);
    this.#expiries.add(session);
    if (init.resumes) {
      this.#hub.setState(session.self, "held");
      this.#clock.setTimeout(() => this.#endHold(session), RESUME_HOLD_MS, { unref: true });
    }
    this.#writer.send(session, {
      type: "welcome",
      sessionId: session.id,
      userId: session.userId,
      nodeId: this.#nodeId,
      position: this.#log.epochs.heads(),
      heartbeatMs: this.#limits.heartbeatMs,
    });
    for (const roomId of init.identity.autoJoin) {
      this.#hub.join(session, roomId, this.#log.end).byToken = true;
      this.#sayJoined(session, roomId, undefined);
    }
    return session;
  }

  /**
   * Counts a frame that the client has sent, of whatever kind. One too many closes the session.
   * @returns whether it may be served
   */
  countFrame(session: Session): boolean {
    if (session.closed) return false;
    const nowMs = this.#clock.monotonicMs();
    const { frames } = this.#limits;
    session.frameBucket ??= new TokenBucket(frames.burst, nowMs);
    if (session.frameBucket.take(nowMs, frames)) return true;
    this.close(session, closeReason("TOO_MANY_FRAMES"));
    return false;
  }

  /**
   * One message of the client, as the socket gave it.
   * @returns what its next message has to wait for, if anything
   */
  receive(session: Session, data: Buffer, isBinary: boolean): Promise<void> | undefined {
    if (session.closed) return undefined;
    session.missedHeartbeats = 0;
    const decoded = session.codec.decode(data, isBinary);
    if (decoded.ok) return this.#serve(session, decoded.frame);
    if ("close" in decoded) this.close(session, decoded.close);
    else this.#writer.send(session, { type: "error", ...decoded.error });
    return undefined;
  }

  /** Any other sign of life. */
  alive(session: Session): void {
    session.missedHeartbeats = 0;
  }

  /** The socket has taken everything that was queued. */
  drained(session: Session): void {
    if (session.closed) return;
    // It reads. A pong to an earlier ping may still stand behind what it has to read.
    session.missedHeartbeats = 0;
    session.socket.setReading(true);
    if (session.lagging) this.#catchUp.start(session);
  }

  /** The connection is gone, whoever ended it. */
  ended(session: Session): void {
    session.closed = true;
    this.#hub.remove(session);
    this.#expiries.remove(session);
  }

  /** Ends a session by the server's decision; what is pending for it is written first. */
  close(session: Session, { code, reason }: CloseReason): void {
    if (session.closed) return;
    this.#flushNow(session);
    session.closed = true;
    this.#hub.remove(session);
    this.#expiries.remove(session);
    this.#metrics.closes.inc({ code: String(code) });
    session.socket.close(code, reason);
  }

  /** Closes who has lagged for too long. The owner calls it about once a second. */
  closeTooSlow(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const session of [...this.#hub.lagging]) {
      if (nowMs - session.laggingSinceMs > this.#limits.lagMs) {
        this.close(session, closeReason("TOO_SLOW"));
      }
    }
  }

  /** Tells a client that its node will stop: what has been written, and when to open a new connection. */
  sayReconnect(session: Session, afterMs: number): void {
    this.#flushNow(session);
    if (!session.behind) {
      this.#writer.send(session, { type: "position", position: this.#log.epochs.heads() });
    }
    this.#writer.send(session, { type: "reconnect", afterMs, reason: "drain" });
  }

  /**
   * One heartbeat: closes a session that has been silent, else asks it for a sign of life. One that
   * lags is not judged: its pongs stand behind what it has not read.
   */
  heartbeat(session: Session): void {
    if (session.lagging) return;
    if (session.missedHeartbeats >= SILENT_HEARTBEATS) {
      this.close(session, closeReason("SILENT"));
      return;
    }
    session.missedHeartbeats += 1;
    session.socket.write(PING_FRAME);
  }

  /** @returns whether the session was not in the room, and is now */
  joinByCommand(session: Session, roomId: string): boolean {
    const ticket = this.#rights.putIn(session.userId, roomId);
    const known = session.rooms.get(roomId);
    if (known !== undefined) {
      known.byToken = false;
      if (ticket !== undefined) this.#sayWritten(known, { room: roomId, ticket });
      return false;
    }
    if (this.#isFull(session)) {
      this.#metrics.rejections.inc({ reason: "TOO_MANY_ROOMS" });
      this.#logger.warn(
        { sessionId: session.id },
        "JoinRoom ignored: the session is in too many rooms",
      );
      return false;
    }
    this.#hub.join(session, roomId, this.#log.end);
    this.#sayJoined(session, roomId, ticket);
    return true;
  }

  /** The session has a newer token: it leaves the rooms in which only the older one let it be. */
  judgeRoomsAnew(session: Session): void {
    for (const [roomId, { byToken }] of [...session.rooms]) {
      if (byToken && !claimsAllow(session.identity, roomId)) this.takeOut(session, roomId);
    }
  }

  /** In order with the pushes before it. @returns whether the session was in the room */
  takeOut(session: Session, roomId: string): boolean {
    const subscription = session.rooms.get(roomId);
    if (subscription === undefined) return false;
    this.#flusher.flushNow(subscription);
    if (subscription.behind && this.#lacksAny(subscription)) {
      // Its backlog goes with the room.
      const position = this.#log.epochs.heads();
      this.#writer.send(session, { type: "gap", room: roomId, scope: "room", position });
      this.#metrics.gaps.inc({ reason: "left" });
    }
    this.#hub.leave(session, roomId);
    this.#writer.send(session, { type: "left", room: roomId });
    return true;
  }

  #serve(session: Session, frame: ClientFrame): Promise<void> | undefined {
    switch (frame.type) {
      case "join":
        return this.#join(session, frame);
      case "leave":
        this.#hub.leave(session, frame.room);
        this.#writer.send(session, { type: "left", ...echo(frame.id), room: frame.room });
        break;
      case "resume":
        this.#resume(session, frame);
        break;
      case "token":
        if (this.#tokenFrames !== undefined) {
          return this.#takeToken(session, frame.token, this.#tokenFrames);
        }
        this.#writer.send(session, {
          type: "error",
          code: "BAD_REQUEST",
          message: "this node takes no tokens: AUTH_MODE is none",
        });
        break;
      case "ping":
        this.#writer.send(session, { type: "pong" });
        break;
    }
    return undefined;
  }

  async #takeToken(session: Session, token: string, frames: TokenFrames): Promise<void> {
    const answer = await frames.answer(session, token);
    if (session.closed) return;
    if (!answer.ok) {
      if ("close" in answer) this.close(session, answer.close);
      else this.#writer.send(session, { type: "error", ...answer.error });
    } else {
      this.#expiries.remove(session);
      session.identity = answer.identity;
      this.#expiries.add(session);
      this.judgeRoomsAnew(session);
      const { expiresAtMs: expiresAt = 0 } = answer.identity;
      this.#writer.send(session, { type: "token_accepted", expiresAt });
    }
  }

  /** @returns what is to be waited for, where the biz-server is asked */
  #join(session: Session, frame: JoinFrame): Promise<void> | undefined {
    const { room, ticket } = frame;
    const isMember = session.rooms.has(room);
    if (!isMember && this.#isFull(session)) {
      this.#refuseJoin(session, frame, "TOO_MANY_ROOMS");
      return undefined;
    }
    const { identity } = session;
    const judgement = this.#rights.judge({ identity, room, ticket, isMember });
    if (judgement instanceof Promise) {
      return judgement.then((judged) => this.#answerJoin(session, frame, judged));
    }
    this.#answerJoin(session, frame, judgement);
    return undefined;
  }

  #answerJoin(session: Session, frame: JoinFrame, judgement: JoinJudgement): void {
    // It may have been closed, or put into rooms, while the biz-server was asked.
    if (session.closed) return;
    const { room } = frame;
    let subscription = session.rooms.get(room);
    if (subscription === undefined) {
      if (!judgement.allowed) {
        this.#metrics.joinRefusals.inc({ reason: judgement.reason });
        this.#refuseJoin(session, frame, refusalCode(judgement.reason));
        return;
      }
      if (this.#isFull(session)) {
        this.#refuseJoin(session, frame, "TOO_MANY_ROOMS");
        return;
      }
      subscription = this.#hub.join(session, room, this.#log.end);
      subscription.byToken = judgement.byToken;
    }
    const ticket = judgement.allowed ? judgement.ticket : undefined;
    if (ticket !== undefined) subscription.byToken = false;
    this.#sayAnswered(subscription, frame, ticket);
  }

  #sayAnswered(subscription: Subscription, frame: JoinFrame, ticket: string | undefined): void {
    const { id, room, position, awayMs } = frame;
    const says = { ...echo(id), room, ...(ticket === undefined ? {} : { ticket }) };
    if (position === undefined) {
      this.#sayWritten(subscription, says);
      return;
    }
    const answer = this.#goOnFrom(subscription, position, awayMs);
    this.#writer.send(subscription.session, { type: "joined", ...says, ...answer });
  }

  /** Up to where a room that the session is in has been written to it. */
  #sayWritten(
    subscription: Subscription,
    says: { id?: number; room: string; ticket?: string },
  ): void {
    const { session } = subscription;
    this.#flusher.flushNow(subscription);
    // The position must not be beyond a gap that the client was not told of.
    if (subscription.behind) this.#catchUp.sayGaps(session, [subscription]);
    const position = this.#writtenPosition(subscription);
    this.#writer.send(session, { type: "joined", ...says, position });
  }

  /** It is in the room from now on, without having asked. */
  #sayJoined(session: Session, room: string, ticket: string | undefined): void {
    const position = this.#log.epochs.heads();
    this.#writer.send(session, {
      type: "joined",
      room,
      position,
      ...(ticket === undefined ? {} : { ticket }),
    });
  }

  #isFull(session: Session): boolean {
    return session.rooms.size >= this.#limits.maxRooms;
  }

  #refuseJoin(session: Session, { id, room }: JoinFrame, code: JoinErrorCode): void {
    this.#metrics.rejections.inc({ reason: code });
    const messages: Record<JoinErrorCode, string> = {
      ROOM_FORBIDDEN: `${session.userId} may not join ${room}`,
      AUTHZ_UNAVAILABLE: `nobody could say now whether ${session.userId} may join ${room}`,
      TOO_MANY_ROOMS: `a session can be in ${this.#limits.maxRooms} rooms`,
    };
    this.#writer.send(session, { type: "error", ...echo(id), code, message: messages[code] });
  }

  #resume(session: Session, frame: ClientFrame & { type: "resume" }): void {
    const answer = this.#goOnFrom(session.self, frame.position, frame.awayMs);
    this.#writer.send(session, { type: "resumed", ...echo(frame.id), ...answer });
  }

  /**
   * Lets a subscription go on from its client's position: replayed from the log if that is possible,
   * else from now on. The replay follows the answer.
   */
  #goOnFrom(
    subscription: Subscription,
    position: Position,
    awayMs = Number.POSITIVE_INFINITY,
  ): { position: Position; recovered: boolean } {
    const nowMs = this.#clock.monotonicMs();
    const judgement = this.#recovery.judge(subscription, position, awayMs, nowMs);
    this.#metrics.recoveries.inc({ recovered: String(judgement.recovered) });
    const { session } = subscription;
    if (!judgement.recovered) {
      const { refusal } = judgement;
      this.#logger.debug({ sessionId: session.id, refusal }, "not recovered");
      subscription.offset = this.#log.end;
      subscription.above = undefined;
      this.#hub.setState(subscription, "live");
      return { position: maxPosition(this.#log.epochs.heads(), position), recovered: false };
    }
    subscription.offset = judgement.offset;
    subscription.above = position;
    this.#hub.setState(subscription, "filling");
    this.#catchUp.start(session);
    return { position: capPosition(position, this.#log.epochs.heads()), recovered: true };
  }

  /** Up to where everything of a subscription has been written, or was the client's before. */
  #writtenPosition(subscription: Subscription): Position {
    const written = this.#log.writtenPosition(subscription);
    return subscription.above === undefined ? written : maxPosition(written, subscription.above);
  }

  /** Whether there is, or was, something for a subscription that is behind. */
  #lacksAny(subscription: Subscription): boolean {
    const { offset } = subscription;
    return this.#hub.evictedBelow(subscription) > offset || this.#log.hasMore(subscription);
  }

  /** Writes what is pending for the session; what is behind stays so. */
  #flushNow(session: Session): void {
    for (const subscription of session.subscriptions()) this.#flusher.flushNow(subscription);
  }

  /** The client did not resume in time: *self* goes on from where the session began. */
  #endHold(session: Session): void {
    if (session.closed || session.self.state !== "held") return;
    this.#hub.setState(session.self, "filling");
    this.#catchUp.start(session);
  }
}

function echo(id: number | undefined): { id?: number } {
  return id === undefined ? {} : { id };
}

function refusalCode(reason: JoinRefusal): JoinErrorCode {
  return reason === "authz_unavailable" ? "AUTHZ_UNAVAILABLE" : "ROOM_FORBIDDEN";
}
