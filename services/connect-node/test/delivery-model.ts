import { MAX_POSITION_ENTRIES, type Position } from "@pushcast/log";
import type { SentFrame } from "./fake-socket.ts";

/** A publication, as one who sees everything at once knows it. */
export interface Known {
  /** Its place among everything that happened. */
  readonly at: number;
  readonly epoch: string;
  readonly seq: number;
  readonly roomId: string;
  readonly userIds: readonly string[];
  readonly excludeUserIds: readonly string[];
  readonly ephemeral: boolean;
  /** The link never brought it, so nobody knows whom it was for. `seq` is the last that was lost. */
  readonly lost: boolean;
  /** Moments at which somebody who was behind may have missed it, if it is ephemeral. */
  readonly since: number;
  until: number;
}

/** How a session's time in a room, or with *self*, ended. */
export type IntervalEnd =
  | "open"
  /** By the client, or its connection: what was pending is dropped. */
  | "client"
  /** The biz-server took it out of the room: what was pending was written, or is said to be gone. */
  | "taken out"
  /** The server closed the session: what was pending was written, unless it was behind. */
  | "closed";

/** A session's time in a room, or its time with *self*. */
export interface Interval {
  readonly room: string | undefined;
  readonly from: number;
  to: number;
  end: IntervalEnd;
  /** The moment of its end. */
  endedAt: number;
  wasBehind: boolean;
}

/** One session's story as the model saw it. */
export interface Story {
  readonly name: string;
  readonly userId: string;
  readonly resumes: boolean;
  /** In the order in which they began; of one room one after another. */
  readonly intervals: Interval[];
  /** Joins with a position, and resumes, in their order: from where the client wants to go on. */
  readonly asked: { room: string | undefined; since: number; at: number }[];
  /** Moments at which the session's subscriptions were behind: all, or only *self*. */
  readonly behindAt: Set<number>;
  readonly selfBehindAt: Set<number>;
  /** Holes that opened while it was open. */
  holes: number;
}

/** Whether a publication is for a subscription of the user, at any time. */
function isFor(known: Known, userId: string, room: string | undefined): boolean {
  if (known.lost) return true;
  if (!belongsTo(known, userId, room)) return false;
  if (known.excludeUserIds.includes(userId)) return false;
  return known.userIds.length === 0 || known.userIds.includes(userId);
}

/** The same, whoever is listed or excluded in a room. */
function belongsTo(known: Known, userId: string, room: string | undefined): boolean {
  if (known.lost) return true;
  if (room !== undefined) return known.roomId === room;
  if (known.roomId !== "") return false;
  return known.userIds.length === 0 || known.userIds.includes(userId);
}

/** What a client holds of one subscription. */
interface Reader {
  readonly interval: Interval;
  /** It is to get what came after this: since it began, or since where it was replayed from. */
  from: number;
  position: Map<string, number>;
  received: Set<Known>;
  /** Positions up to which the server said that something is gone. */
  readonly gaps: Position[];
  lastAt: number;
}

/**
 * Reads what a session was sent as the client's rule of docs/protocol.md says, and compares it with
 * all that was published. Throws at the first thing that is wrong.
 */
export function checkSession(
  story: Story,
  frames: readonly SentFrame[],
  published: readonly Known[],
  recoveries: { count: number },
): void {
  const byId = new Map(published.map((known) => [`${known.epoch}-${known.seq}`, known]));
  const waiting = [...story.intervals];
  const asked = [...story.asked];
  const readers: Reader[] = [];
  let gapsOfAll = 0;
  const fail = (problem: string, frame?: unknown): never => {
    const show = (_: string, value: unknown) =>
      value instanceof Map ? Object.fromEntries(value) : value;
    throw new Error(`${story.name}: ${problem} ${JSON.stringify(frame ?? "", show)}`);
  };
  const begin = (room: string | undefined, position: Position): Reader => {
    const index = waiting.findIndex((interval) => interval.room === room);
    const [interval] = index < 0 ? [] : waiting.splice(index, 1);
    if (interval === undefined) return fail(`is in ${room}, and should not be`);
    const reader = {
      interval,
      from: interval.from,
      position: new Map(position),
      received: new Set<Known>(),
      gaps: [],
      lastAt: -1,
    };
    readers.push(reader);
    return reader;
  };
  /** The node's head as a subscription begins: all that it does not get. */
  const checkHead = ({ interval }: Reader, position: Position) => {
    const before = published.find(
      ({ at, epoch, seq }) => at < interval.from && seq > (position.get(epoch) ?? seq),
    );
    if (before !== undefined) fail("begins below the head", { before, position });
  };
  const open = new Map<string | undefined, Reader>();
  const missing = ({ interval, from, received, gaps }: Reader) =>
    published.filter(
      (known) =>
        !known.ephemeral &&
        known.at > from &&
        known.at < interval.to &&
        isFor(known, story.userId, interval.room) &&
        !received.has(known) &&
        !gaps.some((gap) => known.seq <= (gap.get(known.epoch) ?? 0)),
    );

  for (const frame of frames) {
    if ("position" in frame && frame.position.size > MAX_POSITION_ENTRIES) fail("long", frame);
    switch (frame.type) {
      case "welcome": {
        const reader = begin(undefined, story.resumes ? new Map() : frame.position);
        open.set(undefined, reader);
        checkHead(reader, frame.position);
        break;
      }
      case "joined": {
        let reader = open.get(frame.room);
        if (reader === undefined) {
          reader = begin(frame.room, frame.position);
          open.set(frame.room, reader);
          checkHead(reader, frame.position);
        }
        if (frame.recovered !== undefined) answer(reader, frame.position, frame.recovered);
        if (frame.recovered === true) break;
        for (const { epoch, seq, ephemeral } of reader.received) {
          const isBelow = !ephemeral && seq > (frame.position.get(epoch) ?? seq);
          if (isBelow) fail("joined below what was written", { frame, epoch, seq });
        }
        reader.position = new Map(frame.position);
        if (frame.recovered === false) reader.gaps.push(frame.position);
        // Nothing at or below it may be left: this client would take it for received.
        const behind = missing(reader).find(
          (known) => known.seq <= (frame.position.get(known.epoch) ?? 0),
        );
        if (behind !== undefined) fail("joined beyond what was written", { frame, behind });
        break;
      }
      case "resumed": {
        const reader = open.get(undefined) ?? fail("resumed before its welcome");
        answer(reader, frame.position, frame.recovered);
        reader.position = new Map(frame.position);
        if (!frame.recovered) reader.gaps.push(frame.position);
        break;
      }
      case "left":
        open.delete(frame.room);
        break;
      case "gap": {
        const readersOfScope =
          frame.scope === "all"
            ? [...open.values()]
            : [open.get(frame.scope === "self" ? undefined : frame.room)];
        if (frame.scope === "all") gapsOfAll += 1;
        for (const reader of readersOfScope) {
          if (reader === undefined) {
            fail("a gap in a room that it is not in", frame);
            continue;
          }
          if (frame.scope !== "all" && !hasReason(reader, frame.position)) {
            fail("a gap without a reason", frame);
          }
          reader.gaps.push(frame.position);
          raise(reader.position, frame.position);
        }
        break;
      }
      case "position":
        for (const reader of open.values()) {
          const lacking = missing(reader).find(
            (known) => known.seq <= (frame.position.get(known.epoch) ?? 0),
          );
          if (lacking !== undefined) fail("a position beyond what was written", { frame, lacking });
          raise(reader.position, frame.position);
        }
        break;
      case "message": {
        const known = byId.get(frame.id) ?? fail("a message that nobody sent", frame);
        const reader =
          open.get(frame.room) ?? fail("a message for a room that it is not in", frame);
        const { interval, position } = reader;
        if (!isFor(known, story.userId, interval.room)) fail("a message for others", frame);
        const from = known.ephemeral ? interval.from : reader.from;
        if (known.at < from || known.at > interval.to) fail("not at this time", frame);
        if (known.at <= reader.lastAt) fail("again, or in another order", frame);
        if (!known.ephemeral) {
          if (known.seq <= (position.get(known.epoch) ?? 0)) fail("the client drops", frame);
          position.set(known.epoch, known.seq);
        }
        if ((frame.ephemeral ?? false) !== known.ephemeral) fail("not as it was sent", frame);
        reader.lastAt = known.at;
        reader.received.add(known);
        break;
      }
    }
  }

  for (const reader of readers) {
    const { interval } = reader;
    for (const known of missing(reader)) {
      // A connection that ends takes with it what was not written yet, so only the last of all.
      const isTail = known.at > lastRegular(reader);
      const mayLack =
        interval.end === "client" || (interval.end === "closed" && interval.wasBehind);
      if (!mayLack || !isTail) fail(`lacks in ${interval.room}`, { known, interval });
    }
    for (const known of published) {
      if (!known.ephemeral || reader.received.has(known)) continue;
      if (known.at < interval.from || known.at > interval.to) continue;
      if (!isFor(known, story.userId, interval.room)) continue;
      if (!maySkip(known, interval)) fail(`lacks the ephemeral in ${interval.room}`, known);
    }
  }
  if (gapsOfAll > story.holes) fail("more gaps than holes");
  if (waiting.length > 0) fail("was never told of", waiting);

  /** The answer to a join with a position, or a resume. A true one is a promise of all that follows. */
  function answer(reader: Reader, position: Position, recovered: boolean): void {
    const { room } = reader.interval;
    const index = asked.findIndex((one) => one.room === room);
    const [ask] = asked.splice(index, 1);
    if (index < 0 || ask === undefined) throw new Error(`${story.name}: was not asked in ${room}`);
    if (!recovered) return;
    recoveries.count += 1;
    const hole = published.find(({ lost, at }) => lost && at > ask.since && at < ask.at);
    if (hole !== undefined) fail("recovered over a hole", { hole, ask });
    reader.from = ask.since;
    // Something ephemeral that came before may still be pending.
    reader.lastAt = -1;
    reader.position = new Map(position);
    // What it had beyond comes again; a client drops it, or ignored it before the answer.
    reader.received = new Set(
      [...reader.received].filter(({ at, ephemeral }) => ephemeral || at <= ask.since),
    );
  }

  /** Something of the target, whoever it was for, is gone and was not written. */
  function hasReason({ interval, from, received }: Reader, position: Position): boolean {
    return published.some(
      (known) =>
        known.at > from &&
        !known.ephemeral &&
        belongsTo(known, story.userId, interval.room) &&
        !received.has(known) &&
        known.seq <= (position.get(known.epoch) ?? 0),
    );
  }

  /** An ephemeral publication misses who was behind, or gone, before it was written. */
  function maySkip({ since, until }: Known, interval: Interval): boolean {
    if (interval.end === "client" && interval.endedAt <= until) return true;
    if (interval.wasBehind && interval.endedAt <= until) return true;
    const behindAt = interval.room === undefined ? story.selfBehindAt : story.behindAt;
    for (let moment = since; moment <= until; moment += 1) {
      if (behindAt.has(moment)) return true;
    }
    return false;
  }
}

function lastRegular({ received }: Reader): number {
  let last = -1;
  for (const known of received) if (!known.ephemeral) last = Math.max(last, known.at);
  return last;
}

function raise(position: Map<string, number>, by: Position): void {
  for (const [epoch, seq] of by) position.set(epoch, Math.max(seq, position.get(epoch) ?? 0));
}
