import type { Codec, ServerFrame } from "@pushcast/wire";
import type { FrameCache } from "./frames.ts";
import type { Hub } from "./hub.ts";
import type { NodeLog } from "./node-log.ts";
import type { Piece, TargetCounts } from "./pending-batch.ts";
import type { Session, Subscription } from "./session.ts";

/**
 * The one place where bytes go to sessions. It notices the ones whose sockets back up: those lag from
 * then on, and live frames skip them until they are filled from the log.
 */
export class Writer {
  readonly #hub: Hub;
  readonly #log: NodeLog;
  readonly #frames: FrameCache;
  readonly #sessionBufferBytes: number;
  readonly #delivered: TargetCounts;
  readonly #monotonicMs: () => number;

  constructor(init: {
    hub: Hub;
    log: NodeLog;
    frames: FrameCache;
    /** With more than this queued a session lags. */
    sessionBufferBytes: number;
    /** What has been written is added to it; for metrics. */
    delivered: TargetCounts;
    monotonicMs: () => number;
  }) {
    this.#hub = init.hub;
    this.#log = init.log;
    this.#frames = init.frames;
    this.#sessionBufferBytes = init.sessionBufferBytes;
    this.#delivered = init.delivered;
    this.#monotonicMs = init.monotonicMs;
  }

  get frames(): FrameCache {
    return this.#frames;
  }

  /** A piece is no larger, so that a socket's queue exceeds its bound by at most one. */
  get pieceBytes(): number {
    return this.#sessionBufferBytes;
  }

  /** Writes pieces of one subscription until its session lags. */
  writePieces(subscription: Subscription, pieces: readonly Piece[]): void {
    const { session } = subscription;
    for (const piece of pieces) {
      subscription.offset = piece.endOffset;
      if (!this.writePiece(session, piece)) {
        this.lag(session);
        return;
      }
    }
  }

  /** Writes a piece to a session. Returns whether its socket has room for more. */
  writePiece(session: Session, piece: Piece): boolean {
    session.socket.write(piece.bytes);
    const { counts } = piece;
    this.#delivered.room += counts.room;
    this.#delivered.user += counts.user;
    this.#delivered.all += counts.all;
    return this.hasRoom(session);
  }

  /** Writes a frame that is no message, also to a session that lags. */
  send(session: Session, frame: ServerFrame): void {
    this.#sendBytes(session, session.codec.encodeFramed(frame));
  }

  /** The same to many, encoded once for each subprotocol. */
  sendToAll(sessions: Iterable<Session>, frame: ServerFrame): void {
    const encoded = new Map<Codec, Buffer>();
    for (const session of sessions) {
      const { codec } = session;
      const bytes = encoded.get(codec) ?? codec.encodeFramed(frame);
      encoded.set(codec, bytes);
      this.#sendBytes(session, bytes);
    }
  }

  #sendBytes(session: Session, bytes: Buffer): void {
    if (session.closed) return;
    const { socket } = session;
    socket.write(bytes);
    // A client that asks and does not read the answers is not read from until its socket drains.
    if (socket.queuedBytes > 2 * this.#sessionBufferBytes) socket.setReading(false);
  }

  /** Whether the session's queue is within its bound. */
  hasRoom({ socket }: Session): boolean {
    return socket.queuedBytes <= this.#sessionBufferBytes;
  }

  /** Live frames skip the session from now on; the drain of its socket has it filled. */
  lag(session: Session): void {
    if (session.lagging) return;
    session.laggingSinceMs = this.#monotonicMs();
    // A publication that was not for this session has not moved its offset. Once evicted it would look
    // like one that the session has lost.
    for (const subscription of session.subscriptions()) {
      if (subscription.state !== "live") continue;
      const dealtWith = this.#hub.audienceOf(subscription).unwrittenFrom ?? this.#log.end;
      subscription.offset = Math.max(subscription.offset, dealtWith);
    }
    this.#hub.setLagging(session, true);
  }
}
