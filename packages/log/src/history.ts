import type { PublicationPlace } from "./invariants.ts";
import type { Position } from "./position.ts";

/** A push that was accepted and is not ephemeral, as one who sees everything at once knows it. */
export interface KnownPush {
  /** Names the push: one that was retried through another manager is several publications. */
  readonly push: number;
  /** All that are known. */
  readonly publications: readonly PublicationPlace[];
  /** Empty unless it is for a room. */
  readonly roomId: string;
  /** Empty unless it is for certain users. */
  readonly userIds: readonly string[];
  readonly excludeUserIds: readonly string[];
}

/** What a client was told of one subscription, on the connection that it listened to. */
export type HistoryEvent =
  /** It is subscribed from here on: what is at or below was never due. */
  | { readonly kind: "began"; readonly position: Position }
  /** The answer to a `join` with a position, or to a `resume`. */
  | { readonly kind: "answered"; readonly position: Position; readonly recovered: boolean }
  /** What the client's rule let through; it says itself which push it is. */
  | (PublicationPlace & { readonly kind: "message"; readonly push: number })
  | { readonly kind: "gap"; readonly position: Position }
  | { readonly kind: "position"; readonly position: Position }
  /** The connection ended, or another was asked. Nothing is heard from here to the next answer. */
  | { readonly kind: "ended" }
  /** It is given up: what is above the client's position was never due. Nothing follows. */
  | { readonly kind: "left" };

/** One user's subscription. */
export interface SubscriptionHistory {
  readonly userId: string;
  /** Undefined for *self*. */
  readonly room: string | undefined;
  readonly events: readonly HistoryEvent[];
}

/** What became of a subscription, counted. */
export interface DeliveryCounts {
  /** Messages that the client's rule let through. */
  deliveries: number;
  /** Due, not delivered, and nothing said so: in silence. */
  lost: number;
  /** Due, not delivered, and a gap or `recovered: false` said so. */
  missed: number;
  /** Messages of a push that had been delivered before. */
  repeated: number;
  /** Messages at or below the last one of their epoch. */
  outOfOrder: number;
  /** Messages for others, of a push that nobody made, or while nothing was to be heard. */
  misdirected: number;
  /** Gaps and `recovered: false`. */
  gaps: number;
  /** Those of them for which nothing is missing. */
  needlessGaps: number;
  /** Answers with `recovered: true`. */
  recovered: number;
  /** Answers with `recovered: false`. */
  notRecovered: number;
}

export interface HistoryVerdict {
  readonly counts: DeliveryCounts;
  /** What was lost, repeated, out of order or misdirected, in words. */
  readonly faults: readonly string[];
}

export function noDeliveries(): DeliveryCounts {
  return {
    deliveries: 0,
    lost: 0,
    missed: 0,
    repeated: 0,
    outOfOrder: 0,
    misdirected: 0,
    gaps: 0,
    needlessGaps: 0,
    recovered: 0,
    notRecovered: 0,
  };
}

export function addCounts(to: DeliveryCounts, counts: DeliveryCounts): void {
  for (const name of Object.keys(to) as (keyof DeliveryCounts)[]) to[name] += counts[name];
}

/** All pushes, found by their number and by whom they are for. */
export class KnownPushes {
  readonly #byNumber = new Map<number, KnownPush>();
  readonly #byRoom = new Map<string, KnownPush[]>();
  readonly #others: KnownPush[] = [];

  constructor(pushes: Iterable<KnownPush>) {
    for (const push of pushes) {
      this.#byNumber.set(push.push, push);
      if (push.roomId === "") {
        this.#others.push(push);
        continue;
      }
      const ofRoom = this.#byRoom.get(push.roomId);
      if (ofRoom === undefined) this.#byRoom.set(push.roomId, [push]);
      else ofRoom.push(push);
    }
  }

  get(push: number): KnownPush | undefined {
    return this.#byNumber.get(push);
  }

  /** Those that a subscription is to get, whenever they were accepted. */
  for({ userId, room }: SubscriptionHistory): KnownPush[] {
    const candidates = room === undefined ? this.#others : (this.#byRoom.get(room) ?? []);
    return candidates.filter((push) => isFor(push, userId, room));
  }
}

/**
 * Judges the whole history of a subscription, from its beginning until it was left, or until
 * everything that was pushed has had the time to arrive: what is delivered matched, each epoch's seqs
 * strictly increase, no push comes twice, and what is missing lies between the position of the client
 * and that of a gap or of an answer with `recovered: false`. A gap excuses nothing at or below what
 * the client had before: that was lost in silence, whatever was said later.
 */
export function checkHistory(history: SubscriptionHistory, pushes: KnownPushes): HistoryVerdict {
  return new Check(history, pushes).run();
}

/** One gap or `recovered: false`: all of (after, through] may be missing. */
interface SaidGap {
  readonly after: Position;
  readonly through: Position;
  isNeeded: boolean;
}

class Check {
  readonly #history: SubscriptionHistory;
  readonly #pushes: KnownPushes;
  readonly #counts = noDeliveries();
  readonly #faults: string[] = [];
  readonly #gaps: SaidGap[] = [];
  readonly #delivered = new Set<number>();
  readonly #lastSeqs = new Map<string, number>();
  /** Where it began; undefined before. */
  #beginning: Position | undefined;
  /** By the client's rule. */
  #position = new Map<string, number>();
  #isListening = false;
  #hasLeft = false;

  constructor(history: SubscriptionHistory, pushes: KnownPushes) {
    this.#history = history;
    this.#pushes = pushes;
  }

  run(): HistoryVerdict {
    for (const event of this.#history.events) this.#take(event);
    for (const push of this.#pushes.for(this.#history)) {
      if (!this.#delivered.has(push.push) && this.#isDue(push)) this.#missing(push);
    }
    this.#counts.needlessGaps = this.#gaps.filter(({ isNeeded }) => !isNeeded).length;
    return { counts: this.#counts, faults: this.#faults };
  }

  #take(event: HistoryEvent): void {
    switch (event.kind) {
      case "began":
        this.#beginning ??= event.position;
        this.#position = new Map(event.position);
        this.#isListening = true;
        break;
      case "answered":
        if (event.recovered) this.#counts.recovered += 1;
        else {
          this.#counts.notRecovered += 1;
          this.#gap(event.position);
        }
        // One whose beginning nobody saw has at least been there since it was first answered.
        this.#beginning ??= event.position;
        this.#position = new Map(event.position);
        this.#isListening = true;
        break;
      case "gap":
        this.#gap(event.position);
        this.#raise(event.position);
        break;
      case "position":
        this.#raise(event.position);
        break;
      case "message":
        this.#message(event);
        break;
      case "ended":
        this.#isListening = false;
        break;
      case "left":
        this.#isListening = false;
        this.#hasLeft = true;
        break;
    }
  }

  #gap(through: Position): void {
    this.#counts.gaps += 1;
    this.#gaps.push({ after: new Map(this.#position), through, isNeeded: false });
  }

  #message({ epoch, seq, push }: Extract<HistoryEvent, { kind: "message" }>): void {
    const known = this.#pushes.get(push);
    this.#counts.deliveries += 1;
    const why = this.#misdirection(known);
    if (why !== undefined) {
      this.#counts.misdirected += 1;
      this.#fault(`misdirected, as ${why}`, push, { epoch, seq });
    }
    if (this.#delivered.has(push)) {
      this.#counts.repeated += 1;
      this.#fault("repeated", push, { epoch, seq });
    }
    if (seq <= (this.#lastSeqs.get(epoch) ?? 0)) {
      this.#counts.outOfOrder += 1;
      this.#fault("out of order", push, { epoch, seq });
    }
    this.#delivered.add(push);
    this.#lastSeqs.set(epoch, Math.max(seq, this.#lastSeqs.get(epoch) ?? 0));
    this.#position.set(epoch, Math.max(seq, this.#position.get(epoch) ?? 0));
  }

  /** Why a message should not have come, if so. */
  #misdirection(push: KnownPush | undefined): string | undefined {
    const { userId, room } = this.#history;
    if (push === undefined) return "nobody pushed it";
    if (!isFor(push, userId, room)) return "it is for others";
    return this.#isListening ? undefined : "nothing was to be heard";
  }

  #raise(position: Position): void {
    for (const [epoch, seq] of position) {
      this.#position.set(epoch, Math.max(seq, this.#position.get(epoch) ?? 0));
    }
  }

  #isDue({ publications }: KnownPush): boolean {
    const beginning = this.#beginning;
    if (beginning === undefined) return false;
    if (this.#hasLeft && !publications.some((place) => this.#isDealtWith(place))) return false;
    return publications.every(({ epoch, seq }) => seq > (beginning.get(epoch) ?? 0));
  }

  #isDealtWith({ epoch, seq }: PublicationPlace): boolean {
    return seq <= (this.#position.get(epoch) ?? 0);
  }

  #missing(push: KnownPush): void {
    const saying = this.#gaps.filter((gap) =>
      push.publications.some((place) => covers(gap, place)),
    );
    for (const gap of saying) gap.isNeeded = true;
    if (saying.length > 0) {
      this.#counts.missed += 1;
      return;
    }
    this.#counts.lost += 1;
    this.#fault("lost", push.push, ...push.publications);
  }

  #fault(what: string, push: number, ...places: readonly PublicationPlace[]): void {
    const { userId, room } = this.#history;
    const ids = places.map(({ epoch, seq }) => `${epoch}-${seq}`).join(" = ");
    this.#faults.push(`${userId} in ${room ?? "self"}: ${what}: push ${push}, ${ids}`);
  }
}

function covers({ after, through }: SaidGap, { epoch, seq }: PublicationPlace): boolean {
  return seq > (after.get(epoch) ?? 0) && seq <= (through.get(epoch) ?? 0);
}

function isFor(push: KnownPush, userId: string, room: string | undefined): boolean {
  if (push.roomId !== (room ?? "") || push.excludeUserIds.includes(userId)) return false;
  return push.userIds.length === 0 || push.userIds.includes(userId);
}
