import type { Position } from "@pushcast/log";
import type { Codec } from "@pushcast/wire";
import type { Room } from "./hub.ts";
import type { Identity } from "./identity.ts";
import type { TokenBucket } from "./token-bucket.ts";

/** What a session needs of its socket; one short adapter fits `ws` to it. */
export interface SessionSocket {
  /** Bytes that were written and that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Queues whole WebSocket frames. The bytes are shared between sessions and never changed. */
  write(frames: Buffer): void;
  /** Stops or goes on taking frames from the client. */
  setReading(reading: boolean): void;
  /** Starts the closing handshake; ends the connection in any case after a while. */
  close(code: number, reason: string): void;
}

/**
 * `live`: gets publications as they come, unless its session lags. `held`: gets nothing until its
 * `resume`. `filling`: gets what is in the log first, also when it is replayed from a position.
 */
export type SubscriptionState = "live" | "held" | "filling";

/**
 * A session's reading of one room, or of *self* (the user's own pushes and the broadcasts). It is a
 * cursor into the node's log: every publication of it below `offset` has been written to the socket
 * or was not for this session. A publication is written if its offset is at or above, and moves it on;
 * that alone keeps live delivery, joined frames and filling from the log from repeating or losing.
 */
export class Subscription {
  readonly session: Session;
  /** Undefined for *self*. */
  readonly room: Room | undefined;
  offset: number;
  /** While it is replayed: the client's position, at or below which it has everything. */
  above: Position | undefined;
  /** The hub changes it. */
  state: SubscriptionState = "live";
  /** Only its session's token lets it be here. */
  byToken = false;
  /** The session has left the room or is closed. */
  ended = false;

  constructor(session: Session, room: Room | undefined, offset: number) {
    this.session = session;
    this.room = room;
    this.offset = offset;
  }

  /** Whether live frames skip it: it is filled from the log. */
  get behind(): boolean {
    return this.state !== "live" || this.session.lagging;
  }
}

/** One client connection's state. It knows no socket library, no clock and no logger. */
export class Session {
  readonly id: string;
  readonly userId: string;
  /** What the newest token says; always of the same user. */
  identity: Identity;
  readonly codec: Codec;
  readonly socket: SessionSocket;
  readonly openedAtMs: number;
  readonly rooms = new Map<string, Subscription>();
  readonly self: Subscription;
  /** Its socket is backed up: all its subscriptions are behind. The hub sets it. */
  lagging = false;
  laggingSinceMs = 0;
  /** The close code that the server decided on, or that the connection ended. */
  closed = false;
  /** Heartbeats that the client has not answered. */
  missedHeartbeats = 0;
  /** Bounds the frames that its client sends, once it has sent one: most sessions only listen. */
  frameBucket: TokenBucket | undefined = undefined;

  constructor(init: {
    id: string;
    identity: Identity;
    codec: Codec;
    socket: SessionSocket;
    /** By the wall clock. */
    openedAtMs: number;
    /** The log's end as it opens. */
    offset: number;
  }) {
    this.id = init.id;
    this.userId = init.identity.userId;
    this.identity = init.identity;
    this.codec = init.codec;
    this.socket = init.socket;
    this.openedAtMs = init.openedAtMs;
    this.self = new Subscription(this, undefined, init.offset);
  }

  /** Whether any of its subscriptions is behind. */
  get behind(): boolean {
    if (this.self.behind) return true;
    for (const subscription of this.rooms.values()) if (subscription.behind) return true;
    return false;
  }

  *subscriptions(): IterableIterator<Subscription> {
    yield this.self;
    yield* this.rooms.values();
  }
}
