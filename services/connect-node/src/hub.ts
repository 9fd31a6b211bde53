import type { NodeEntry } from "./node-log.ts";
import type { PendingBatch } from "./pending-batch.ts";
import { type Session, Subscription, type SubscriptionState } from "./session.ts";

/** A set of subscriptions that get the same publications: a room's, or every session's *self*. */
export interface Audience {
  /** What was matched and is not written yet. */
  pending: PendingBatch | undefined;
  /** The offset of the first publication that the flusher has not written to all; undefined if none. */
  unwrittenFrom: number | undefined;
  /** How many of its subscriptions are behind. */
  behind: number;
}

/** A room with at least one session in it. */
export class Room implements Audience {
  readonly id: string;
  readonly members = new Map<Session, Subscription>();
  pending: PendingBatch | undefined;
  unwrittenFrom: number | undefined;
  behind = 0;
  /** The log has evicted this room's publications below this offset. */
  evictedBelow = 0;

  constructor(id: string) {
    this.id = id;
  }
}

/** A user with at least one session. */
export class User {
  readonly id: string;
  readonly sessions = new Set<Session>();
  /** The log has evicted this user's own publications below this offset. */
  evictedBelow = 0;

  constructor(id: string) {
    this.id = id;
  }
}

/**
 * A node's index of its sessions, users and rooms. Pure: no I/O and no clock. Rooms and users exist
 * while a session is in them. The mirrors hold: a session is in a room's members if and only if the
 * room is in the session's rooms, and `behind` counts exactly the subscriptions that are.
 */
export class Hub {
  readonly sessions = new Map<string, Session>();
  readonly users = new Map<string, User>();
  readonly rooms = new Map<string, Room>();
  readonly lagging = new Set<Session>();
  /** Every session's *self*. */
  readonly everyone: Audience & { evictedBelow: number } = {
    pending: undefined,
    unwrittenFrom: undefined,
    behind: 0,
    evictedBelow: 0,
  };

  add(session: Session): void {
    this.sessions.set(session.id, session);
    let user = this.users.get(session.userId);
    if (user === undefined) {
      user = new User(session.userId);
      this.users.set(session.userId, user);
    }
    user.sessions.add(session);
    this.everyone.pending?.beginWith(session.self);
    if (session.self.behind) this.everyone.behind += 1;
  }

  remove(session: Session): void {
    if (!this.sessions.delete(session.id)) return;
    for (const roomId of [...session.rooms.keys()]) this.leave(session, roomId);
    if (session.self.behind) this.everyone.behind -= 1;
    session.self.ended = true;
    this.lagging.delete(session);
    const user = this.users.get(session.userId);
    user?.sessions.delete(session);
    if (user?.sessions.size === 0) this.users.delete(user.id);
  }

  /** Puts a session into a room that it is not in; it gets what comes at or above `offset`. */
  join(session: Session, roomId: string, offset: number): Subscription {
    let room = this.rooms.get(roomId);
    if (room === undefined) {
      room = new Room(roomId);
      this.rooms.set(roomId, room);
    }
    const subscription = new Subscription(session, room, offset);
    room.members.set(session, subscription);
    session.rooms.set(roomId, subscription);
    room.pending?.beginWith(subscription);
    if (subscription.behind) room.behind += 1;
    return subscription;
  }

  /** Takes a session out of a room; what is pending for it there is dropped. False if it was not in. */
  leave(session: Session, roomId: string): boolean {
    const subscription = session.rooms.get(roomId);
    if (subscription?.room === undefined) return false;
    const { room } = subscription;
    if (subscription.behind) room.behind -= 1;
    subscription.ended = true;
    room.members.delete(session);
    session.rooms.delete(roomId);
    if (room.members.size === 0) this.rooms.delete(roomId);
    return true;
  }

  /** All of a session's subscriptions fall behind, or are up to date again. */
  setLagging(session: Session, lagging: boolean): void {
    if (session.lagging === lagging) return;
    session.lagging = lagging;
    if (lagging) this.lagging.add(session);
    else this.lagging.delete(session);
    for (const subscription of session.subscriptions()) {
      // One that is not live was behind before, and stays so.
      if (subscription.state === "live") this.#countBehind(subscription, lagging);
    }
  }

  /** One subscription waits, is filled, or goes on live. */
  setState(subscription: Subscription, state: SubscriptionState): void {
    const wasBehind = subscription.behind;
    subscription.state = state;
    if (subscription.behind !== wasBehind && !subscription.ended) {
      this.#countBehind(subscription, subscription.behind);
    }
  }

  /** The users' sessions, each once. */
  *sessionsOf(userIds: Iterable<string>): IterableIterator<Session> {
    for (const userId of new Set(userIds)) {
      const user = this.users.get(userId);
      if (user !== undefined) yield* user.sessions;
    }
  }

  /** How many users have a session in the room. */
  usersIn(room: Room): number {
    const users = new Set<string>();
    for (const session of room.members.keys()) users.add(session.userId);
    return users.size;
  }

  /** The log no longer has a publication: who reads its target from below its offset has a gap. */
  evicted({ publication, offset }: NodeEntry): void {
    const { roomId, userIds, command } = publication;
    const below = offset + 1;
    if (command !== undefined) return;
    if (roomId !== "") {
      const room = this.rooms.get(roomId);
      if (room !== undefined) room.evictedBelow = below;
    } else if (userIds.length === 0) {
      this.everyone.evictedBelow = below;
    } else {
      for (const userId of userIds) {
        const user = this.users.get(userId);
        if (user !== undefined) user.evictedBelow = below;
      }
    }
  }

  /** The offset below which publications of this subscription are lost to a reader. */
  evictedBelow(subscription: Subscription): number {
    if (subscription.room !== undefined) return subscription.room.evictedBelow;
    const user = this.users.get(subscription.session.userId);
    return Math.max(this.everyone.evictedBelow, user?.evictedBelow ?? 0);
  }

  /** Those who get the same publications as this subscription. */
  audienceOf(subscription: Subscription): Audience {
    return subscription.room ?? this.everyone;
  }

  #countBehind(subscription: Subscription, behind: boolean): void {
    this.audienceOf(subscription).behind += behind ? 1 : -1;
  }
}
