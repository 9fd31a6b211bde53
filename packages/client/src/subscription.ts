import { elapsedMs, type Moment } from "./clock.ts";
import { Position, type PositionRecord } from "./position.ts";
import { SeenKeys } from "./seen-keys.ts";

/** What a subscription needs to know of a connection. */
export interface Source {
  readonly isOpen: boolean;
  /** Whether it may have been dead for some time while the device slept. */
  isInDoubt(now: Moment): boolean;
  /** When the last frame came on it that is known to be new. */
  readonly lastFrameAt: Moment;
}

/** What a `join` or `resume` says; undefined where nothing was ever heard. */
export interface Claim {
  readonly position: PositionRecord | undefined;
  readonly awayMs: number | undefined;
}

/** What decides whether a message is news. */
export interface Arrival {
  readonly epoch: string;
  readonly seq: number;
  readonly key?: string;
  readonly ephemeral: boolean;
}

/**
 * The client's rule for one room, or for *self*: what it has dealt with, and to which connection it
 * listens. It listens to one connection at a time. From asking a connection until that has answered
 * it heeds none, not even the one before: what that still says could raise the position past
 * messages that were not delivered, and their replay would be dropped.
 */
export class Subscription {
  #position: Position | undefined;
  readonly #seenKeys = new SeenKeys();
  #heeded: Source | undefined;
  #asked: { readonly source: Source; readonly requestId: number } | undefined;
  /** The last frame on the connection that was heeded last. */
  #lastHeardAt: Moment | undefined;

  /** Whether it ever began: there is a position to go on from. */
  get hasPosition(): boolean {
    return this.#position !== undefined;
  }

  /** Whether it waits for an answer. */
  get isAsked(): boolean {
    return this.#asked !== undefined;
  }

  /** Whether frames for it on this connection count. */
  heeds(source: Source): boolean {
    return this.#heeded === source;
  }

  /** Whether it was asked for on this connection, or is answered there. */
  isOn(source: Source): boolean {
    return this.heeds(source) || this.#asked?.source === source;
  }

  /** Whether this request on this connection is the one whose answer it waits for. */
  awaits(source: Source, requestId: number): boolean {
    return this.#asked?.source === source && this.#asked.requestId === requestId;
  }

  /** It is asked for on this connection from now on. @returns what to ask with */
  ask(source: Source, requestId: number, now: Moment): Claim {
    const awayMs = this.hasPosition ? this.#awayMs(now) : undefined;
    this.#ceaseHeeding();
    this.#asked = { source, requestId };
    return { position: this.#position?.toRecord(), awayMs };
  }

  /**
   * The answer that it awaits.
   * @param recovered as the frame says it
   * @returns whether something may be missing
   */
  answer(source: Source, position: PositionRecord, recovered: boolean | undefined): boolean {
    const isMissing = this.hasPosition && recovered !== true;
    this.begin(source, position);
    return isMissing;
  }

  /** Goes on at this position on this connection. */
  begin(source: Source, position: PositionRecord): void {
    this.#asked = undefined;
    this.#heeded = source;
    this.#position = new Position(position);
  }

  /** Goes on without the answer that it awaits, which was refused, from where this connection began. */
  goOn(source: Source, position: PositionRecord): void {
    this.#asked = undefined;
    this.#heeded = source;
    this.#position?.raise(position);
  }

  /** What a `gap` or `position` frame says. @returns false if it does not heed this connection */
  raise(source: Source, position: PositionRecord): boolean {
    if (!this.heeds(source)) return false;
    this.#position?.raise(position);
    return true;
  }

  /** @returns whether the message is to be delivered */
  accept(source: Source, { epoch, seq, key, ephemeral }: Arrival): boolean {
    if (!this.heeds(source) || this.#position === undefined) return false;
    const isRepeat = key !== undefined && this.#seenKeys.see(key);
    const isAbove = seq > this.#position.seq(epoch);
    // Also a repeat that came with another id moves it on.
    if (!ephemeral) this.#position.raise({ [epoch]: seq });
    return isAbove && !isRepeat;
  }

  /** What it was asked has no answer, and is to be asked again. */
  unanswered(): void {
    this.#asked = undefined;
  }

  /** The connection is gone. */
  ended(source: Source): void {
    if (this.heeds(source)) this.#ceaseHeeding();
    if (this.#asked?.source === source) this.#asked = undefined;
  }

  #awayMs(now: Moment): number {
    if (this.#heeded?.isOpen === true && !this.#heeded.isInDoubt(now)) return 0;
    const lastHeardAt = this.#heeded?.lastFrameAt ?? this.#lastHeardAt;
    return lastHeardAt === undefined ? 0 : elapsedMs(lastHeardAt, now);
  }

  #ceaseHeeding(): void {
    if (this.#heeded === undefined) return;
    this.#lastHeardAt = this.#heeded.lastFrameAt;
    this.#heeded = undefined;
  }
}
