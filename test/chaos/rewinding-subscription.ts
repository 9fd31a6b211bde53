import type { HistoryEvent, SubscriptionHistory } from "@pushcast/log";

export type PositionRecord = Readonly<Record<string, number>>;

/** A `join` with a position or a `resume`, as far as a subscription decides it. */
export interface Claim {
  readonly position: PositionRecord;
  readonly away_ms: number;
}

/** What is read of a frame of pushcast.v1.json. */
export interface Frame {
  readonly type: string;
  readonly id?: number | string;
  readonly room?: string;
  readonly scope?: "room" | "self" | "all";
  readonly position?: PositionRecord;
  readonly recovered?: boolean;
  readonly key?: string;
  readonly content?: string;
  readonly code?: string;
}

/** Where it stood at a time. */
interface Memory {
  readonly position: PositionRecord;
  readonly atMs: number;
}

const MAX_MEMORIES = 100;

/**
 * One room of one user, or *self*, by the client's rule of docs/protocol.md. Unlike that of an app it
 * also goes back: to a position that it had before, as if all that came since had not. From there on
 * it is another history, with other keys seen.
 */
export class RewindingSubscription {
  readonly userId: string;
  /** Undefined for *self*. */
  readonly room: string | undefined;
  /** What was wrong with single frames, in words. */
  readonly faults: string[] = [];
  readonly #ended: SubscriptionHistory[] = [];
  #events: HistoryEvent[] = [];
  #position: PositionRecord | undefined;
  #keys = new Set<string>();
  #memories: Memory[] = [];
  #asked: { readonly socket: object; readonly id: number; readonly claim?: Claim } | undefined;
  #heeded: object | undefined;
  /** The last frame on the connection that was heeded last, as long as nothing was gone back on. */
  #heardAtMs = 0;
  /** The last message of each epoch on this connection since its answer. */
  #lastSeqs = new Map<string, number>();

  constructor(userId: string, room: string | undefined) {
    this.userId = userId;
    this.room = room;
  }

  get isLive(): boolean {
    return this.#heeded !== undefined;
  }

  get hasPosition(): boolean {
    return this.#position !== undefined;
  }

  histories(): SubscriptionHistory[] {
    const { userId, room } = this;
    return [...this.#ended, { userId, room, events: this.#events }];
  }

  awaits(socket: object, id: number | string | undefined): boolean {
    return this.#asked?.socket === socket && this.#asked.id === id;
  }

  /** Whether it waits for an answer on this connection. */
  isAsked(socket: object): boolean {
    return this.#asked?.socket === socket;
  }

  /**
   * Goes back to a position that it had: what came since counts as never heard.
   * @param withinMs what is older is left alone: nodes forget the managers of its time, and no answer
   * can name what was missed of those
   */
  goBack(random: () => number, withinMs: number): void {
    const sinceMs = performance.now() - withinMs;
    const memories = this.#memories.filter(({ atMs }) => atMs >= sinceMs);
    const memory = memories[Math.floor(random() * memories.length)];
    if (memory === undefined) return;
    this.#events.push({ kind: "left" });
    this.#ended.push({ userId: this.userId, room: this.room, events: this.#events });
    this.#events = [{ kind: "began", position: toMap(memory.position) }];
    // What it remembers of later times belongs to the other history, but was as true.
    this.#position = memory.position;
    this.#keys = new Set();
    this.#heeded = undefined;
    this.#heardAtMs = memory.atMs;
  }

  /** It is asked for on this connection from now on. @returns undefined where it never began */
  ask(socket: object, id: number): Claim | undefined {
    const isHeard = this.#heeded !== undefined;
    const awayMs = isHeard ? 0 : Math.ceil(performance.now() - this.#heardAtMs);
    if (isHeard) this.#events.push({ kind: "ended" });
    this.#heeded = undefined;
    const claim =
      this.#position === undefined ? undefined : { position: this.#position, away_ms: awayMs };
    this.#asked = { socket, id, ...(claim === undefined ? {} : { claim }) };
    return claim;
  }

  /** Begins where the connection says, as nothing was asked. */
  begin(socket: object, position: PositionRecord): void {
    this.#events.push({ kind: "began", position: toMap(position) });
    this.#goOn(socket, position);
  }

  /** The answer that it awaits. @returns whether it was recovered; undefined where it only begins */
  answer(socket: object, { position = {}, recovered }: Frame): boolean | undefined {
    const claim = this.#asked?.claim;
    this.#asked = undefined;
    if (claim === undefined) {
      if (recovered !== undefined) this.#fault("recovered without a position");
      this.begin(socket, position);
      return undefined;
    }
    if (recovered === undefined) {
      this.#fault("a position without recovered");
      return undefined;
    }
    if (recovered ? !isSame(position, claim.position) : !isRaised(position, claim.position)) {
      const [sent, answered] = [JSON.stringify(claim.position), JSON.stringify(position)];
      this.#fault(`recovered ${recovered} of ${sent} with ${answered}`);
    }
    this.#events.push({ kind: "answered", position: toMap(position), recovered });
    this.#goOn(socket, position);
    return recovered;
  }

  /** A frame of any kind has come on this connection. */
  heard(socket: object): void {
    if (this.#heeded === socket) this.#heardAtMs = performance.now();
  }

  message(socket: object, { id, key, content }: Frame): void {
    if (this.#heeded !== socket) return;
    const [epoch = "", digits] = String(id).split("-");
    const seq = Number(digits);
    if (seq <= (this.#lastSeqs.get(epoch) ?? 0)) this.#fault(`${id} again, or out of order`);
    this.#lastSeqs.set(epoch, seq);
    const isRepeat = key !== undefined && this.#keys.has(key);
    if (key !== undefined) this.#keys.add(key);
    const isAbove = seq > (this.#position?.[epoch] ?? 0);
    this.#raise({ [epoch]: seq });
    if (!isAbove || isRepeat) return;
    this.#events.push({ kind: "message", epoch, seq, push: Number.parseInt(content ?? "", 10) });
  }

  position(socket: object, position: PositionRecord): void {
    if (this.#heeded !== socket) return;
    this.#events.push({ kind: "position", position: toMap(position) });
    this.#raise(position);
  }

  gap(socket: object, position: PositionRecord): void {
    if (this.#heeded !== socket) return;
    this.#events.push({ kind: "gap", position: toMap(position) });
    this.#raise(position);
  }

  /** The connection is gone. */
  ended(socket: object): void {
    if (this.#asked?.socket === socket) this.#asked = undefined;
    if (this.#heeded !== socket) return;
    this.#heeded = undefined;
    this.#events.push({ kind: "ended" });
  }

  #goOn(socket: object, position: PositionRecord): void {
    this.#heeded = socket;
    this.#heardAtMs = performance.now();
    this.#position = position;
    this.#lastSeqs = new Map();
    this.#remember();
  }

  #raise(position: PositionRecord): void {
    const raised = { ...this.#position };
    for (const [epoch, seq] of Object.entries(position)) {
      raised[epoch] = Math.max(seq, raised[epoch] ?? 0);
    }
    this.#position = raised;
    this.#remember();
  }

  #remember(): void {
    if (this.#position === undefined) return;
    this.#memories.push({ position: this.#position, atMs: performance.now() });
    if (this.#memories.length > MAX_MEMORIES) this.#memories.shift();
  }

  #fault(what: string): void {
    this.faults.push(`${this.userId} in ${this.room ?? "self"}: ${what}`);
  }
}

function toMap(position: PositionRecord): Map<string, number> {
  return new Map(Object.entries(position));
}

/** An entry of 0 says no more than none. */
function isSame(a: PositionRecord, b: PositionRecord): boolean {
  return isRaised(a, b) && isRaised(b, a);
}

function isRaised(position: PositionRecord, over: PositionRecord): boolean {
  return Object.entries(over).every(([epoch, seq]) => (position[epoch] ?? 0) >= seq);
}
