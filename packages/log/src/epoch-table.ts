import { MAX_POSITION_ENTRIES, type Position } from "./position.ts";

/** All seqs of (after, through]. */
export interface SeqRange {
  readonly after: number;
  readonly through: number;
}

/** What a node has of one epoch: everything of (tail, head] that is not in a hole. */
export interface EpochState {
  /** What is at or below may be lacking. */
  tail: number;
  /** The highest seq that is dealt with. */
  head: number;
  /** Ascending, disjoint, all above the tail; at most `MAX_HOLES`. */
  holes: SeqRange[];
  /**
   * When its manager's last link ended, here or at a peer that was read, by the monotonic clock;
   * undefined while it is attached here.
   */
  goneAtMs: number | undefined;
  /** When its link ended here; undefined if there was none. */
  detachedAtMs: number | undefined;
  /**
   * From here on there are commands that came by a copy, and were not carried out: a link that comes
   * back has to bring them again. Undefined if there are none.
   */
  uncarriedFrom: number | undefined;
}

/** Beyond it the two oldest holes of an epoch become one, with what lies between them. */
export const MAX_HOLES = 100;

/** What a node knows of every push-manager process that it has heard of. */
export class EpochTable {
  readonly #epochs = new Map<string, EpochState>();
  #heads: Position | undefined;

  get size(): number {
    return this.#epochs.size;
  }

  get(epoch: string): Readonly<EpochState> | undefined {
    return this.#epochs.get(epoch);
  }

  entries(): IterableIterator<[string, Readonly<EpochState>]> {
    return this.#epochs.entries();
  }

  /**
   * A link of this epoch is there. An epoch that is new begins at `tailSeq`: the node lacks what is
   * at or below, and goes on after it.
   */
  attach(epoch: string, tailSeq: number): Readonly<EpochState> {
    let state = this.#epochs.get(epoch);
    if (state === undefined) {
      state = { ...startingAt(tailSeq), goneAtMs: undefined };
      this.#epochs.set(epoch, state);
    }
    state.goneAtMs = undefined;
    this.#heads = undefined;
    return state;
  }

  /**
   * A peer has told of this epoch, to which there is no link. One that is new begins at the peer's
   * tail; of one that is known the link ended no earlier than at the peer.
   */
  copied(epoch: string, tailSeq: number, goneAtMs: number): Readonly<EpochState> {
    let state = this.#epochs.get(epoch);
    if (state === undefined) {
      state = { ...startingAt(tailSeq), goneAtMs };
      this.#epochs.set(epoch, state);
      this.#heads = undefined;
    } else if (state.goneAtMs !== undefined) {
      state.goneAtMs = Math.max(state.goneAtMs, goneAtMs);
    }
    return state;
  }

  /** A command came by a copy, and sessions are open that it may be for. */
  commandCopied(epoch: string, seq: number): void {
    const state = this.#epochs.get(epoch);
    if (state !== undefined) state.uncarriedFrom ??= seq;
  }

  /** A link has brought again everything up to `throughSeq`. */
  commandsCarriedOut(epoch: string, throughSeq: number): void {
    const state = this.#epochs.get(epoch);
    if (state?.uncarriedFrom === undefined || throughSeq < state.uncarriedFrom) return;
    state.uncarriedFrom = throughSeq < state.head ? throughSeq + 1 : undefined;
  }

  /** The link of this epoch has ended. */
  detach(epoch: string, nowMs: number): void {
    const state = this.#epochs.get(epoch);
    if (state === undefined || state.goneAtMs !== undefined) return;
    state.goneAtMs = nowMs;
    state.detachedAtMs = nowMs;
    this.#heads = undefined;
  }

  /** Everything up to `throughSeq` is dealt with. A head only grows. */
  advance(epoch: string, throughSeq: number): void {
    const state = this.#epochs.get(epoch);
    if (state === undefined || throughSeq <= state.head) return;
    state.head = throughSeq;
    this.#heads = undefined;
  }

  /** Everything of (head, afterSeq] is lost. Returns whether that is anything. */
  skipTo(epoch: string, afterSeq: number): boolean {
    const state = this.#epochs.get(epoch);
    if (state === undefined || afterSeq <= state.head) return false;
    const last = state.holes.at(-1);
    if (last !== undefined && last.through === state.head) {
      state.holes[state.holes.length - 1] = { after: last.after, through: afterSeq };
    } else {
      state.holes.push({ after: state.head, through: afterSeq });
      const [first, second] = state.holes;
      if (state.holes.length > MAX_HOLES && first !== undefined && second !== undefined) {
        state.holes.splice(0, 2, { after: first.after, through: second.through });
      }
    }
    this.advance(epoch, afterSeq);
    return true;
  }

  /** The log has evicted this seq: the tail is at least there. */
  evicted(epoch: string, seq: number): void {
    const state = this.#epochs.get(epoch);
    if (state === undefined || seq <= state.tail) return;
    state.tail = seq;
    while (state.holes[0] !== undefined && state.holes[0].through <= seq) state.holes.shift();
    const first = state.holes[0];
    if (first !== undefined && first.after < seq) {
      state.holes[0] = { after: seq, through: first.through };
    }
  }

  /** Forgets the epochs whose managers have been gone for longer than `afterMs`. */
  forgetGone(nowMs: number, afterMs: number): void {
    for (const [epoch, state] of this.#epochs) {
      if (state.goneAtMs !== undefined && nowMs - state.goneAtMs > afterMs) {
        this.#epochs.delete(epoch);
        this.#heads = undefined;
      }
    }
  }

  /**
   * The head of every epoch, as one immutable position. Over `MAX_POSITION_ENTRIES`, those whose
   * managers are gone for longest are left out.
   */
  heads(): Position {
    if (this.#heads === undefined) {
      let states = [...this.#epochs];
      if (states.length > MAX_POSITION_ENTRIES) {
        const goneAt = (state: EpochState) => state.goneAtMs ?? Number.MAX_VALUE;
        states = states
          .sort(([, a], [, b]) => goneAt(b) - goneAt(a))
          .slice(0, MAX_POSITION_ENTRIES);
      }
      this.#heads = new Map(states.map(([epoch, state]) => [epoch, state.head]));
    }
    return this.#heads;
  }

  /**
   * Whether everything after `position` that was ever accepted, of every epoch known here, is in
   * the log or still to come live.
   */
  covers(position: Position): boolean {
    // No position has them all then: of one that it lacks it may be that all was seen, or nothing.
    const isCut = this.#epochs.size > MAX_POSITION_ENTRIES;
    for (const [epoch, state] of this.#epochs) {
      if (isCut && state.head > 0 && !position.has(epoch)) return false;
      const seq = position.get(epoch) ?? 0;
      if (seq < state.tail) return false;
      const lastHole = state.holes.at(-1);
      if (lastHole !== undefined && lastHole.through > seq) return false;
    }
    return true;
  }
}

function startingAt(tailSeq: number) {
  return {
    tail: tailSeq,
    head: tailSeq,
    holes: [],
    detachedAtMs: undefined,
    uncarriedFrom: undefined,
  };
}
