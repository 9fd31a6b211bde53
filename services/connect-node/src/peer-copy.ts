import type { EpochState, Position } from "@pushcast/log";
import type { Intake } from "./intake.ts";
import type { NodeLog } from "./node-log.ts";
import { type PeerEpoch, ReplicateError, type ReplicateMessage } from "./replicate-message.ts";

/**
 * Takes over what one peer answers to one Replicate call: the publications of epochs to which this
 * node has no link, beyond its own heads, together with the peer's tails and holes. Each message is
 * taken over by itself: where an answer breaks off, the heads say exactly what has come.
 */
export class PeerCopy {
  readonly #log: NodeLog;
  readonly #intake: Intake;
  readonly #after: Position;
  readonly #maxGoneMs: number;
  /** The peer's table, as it was last told. */
  readonly #states = new Map<string, PeerEpoch>();
  /** What was skipped once would have a hole if it were gone on with. */
  readonly #skipped = new Set<string>();
  /** Epochs that are live at the peer. */
  readonly live = new Set<string>();
  readonly #beganAtMs: number;
  #publications = 0;
  #logAgeMs = 0;
  #done = false;

  constructor(init: {
    log: NodeLog;
    intake: Intake;
    /** What this node has, as it told the peer. */
    after: Position;
    nowMs: number;
    /** An epoch whose manager has been gone for longer is not begun: it will soon be forgotten. */
    maxGoneMs: number;
  }) {
    this.#log = init.log;
    this.#intake = init.intake;
    this.#after = init.after;
    this.#beganAtMs = init.nowMs;
    this.#maxGoneMs = init.maxGoneMs;
  }

  /** Whether the answer has come to its end. */
  get done(): boolean {
    return this.#done;
  }

  /** Since the peer's log began. */
  get logAgeMs(): number {
    return this.#logAgeMs;
  }

  /** Publications that came. */
  get publications(): number {
    return this.#publications;
  }

  /** @throws ReplicateError, or DeliverError for bytes that are no publication */
  take(message: ReplicateMessage): void {
    for (const revocation of message.revocations ?? []) this.#intake.takeRevocation(revocation);
    for (const state of message.epochs) this.#begin(state);
    this.#skipAttached();
    for (const bytes of message.publications) this.#takeOne(bytes);
    if (!message.done) return;
    this.#done = true;
    this.#logAgeMs = message.logAgeMs;
    for (const state of this.#states.values()) {
      this.#passHoles(state, state.headSeq);
      this.#intake.advance(state.epoch, state.headSeq);
      if (state.live) this.live.add(state.epoch);
    }
  }

  #begin(state: PeerEpoch): void {
    const { epoch, tailSeq, live, goneMs } = state;
    if (this.#skipped.has(epoch)) return;
    const known = this.#log.epochs.get(epoch);
    if (isAttached(known) || (known === undefined && this.#isPast(state))) {
      this.#skip(epoch);
      return;
    }
    this.#states.set(epoch, state);
    // Never later than it was: if it were, two peers that read each other would put it off for ever.
    this.#intake.copiedEpoch(epoch, tailSeq, this.#beganAtMs - (live ? 0 : goneMs));
  }

  /** Whether an epoch that this node does not know will soon be forgotten, or was while the peer answered. */
  #isPast({ epoch, goneMs }: PeerEpoch): boolean {
    return goneMs > this.#maxGoneMs || (this.#after.get(epoch) ?? 0) > 0;
  }

  /** A link that has come meanwhile brings what follows. */
  #skipAttached(): void {
    for (const epoch of this.#states.keys()) {
      if (isAttached(this.#log.epochs.get(epoch))) this.#skip(epoch);
    }
  }

  #skip(epoch: string): void {
    this.#skipped.add(epoch);
    this.#states.delete(epoch);
  }

  #takeOne(bytes: Uint8Array): void {
    const copied = this.#intake.readCopied(bytes);
    const { epoch, seq } = copied.publication;
    if (this.#skipped.has(epoch)) return;
    const state = this.#states.get(epoch);
    if (state === undefined) {
      throw new ReplicateError("a publication of an epoch that the table does not have");
    }
    this.#passHoles(state, seq - 1);
    this.#intake.takeCopied(copied);
    this.#publications += 1;
  }

  /** Takes over the peer's tail and holes up to a seq. */
  #passHoles({ epoch, tailSeq, holes }: PeerEpoch, throughSeq: number): void {
    this.#intake.skipTo(epoch, tailSeq);
    for (const { after, through } of holes) {
      if (after >= throughSeq) break;
      this.#intake.advance(epoch, after);
      this.#intake.skipTo(epoch, through);
    }
  }
}

function isAttached(state: Readonly<EpochState> | undefined): boolean {
  return state !== undefined && state.goneAtMs === undefined;
}
