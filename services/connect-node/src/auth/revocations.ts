import type { Clock } from "@pushcast/runtime";
import type { Identity } from "../identity.ts";

/** Tokens that are refused. */
export interface Revocation {
  /** Empty: everybody's. */
  readonly userId: string;
  /** Unix milliseconds: those that were issued then or before. */
  readonly issuedBeforeMs: number;
}

const EVERYBODY = "";

/**
 * Since when whose tokens are refused. An entry is kept for as long as a token that it concerns could be
 * valid. There are only so many: where one has to give way before that, all tokens are refused that were
 * issued before it, whoever they name.
 */
export class Revocations {
  /** Whether it has what other nodes have: not as a node begins, and not after commands were lost. */
  isWhole = false;
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #maxUsers: number;
  /** About in the order of their times. */
  readonly #issuedBeforeMs = new Map<string, number>();
  #allIssuedBeforeMs = Number.NEGATIVE_INFINITY;

  /** @param init.keepMs the longest life of a token */
  constructor(init: { clock: Clock; keepMs: number; maxUsers: number }) {
    this.#clock = init.clock;
    this.#keepMs = init.keepMs;
    this.#maxUsers = init.maxUsers;
  }

  /** Users whose tokens are refused. */
  get size(): number {
    return this.#issuedBeforeMs.size;
  }

  add({ userId, issuedBeforeMs }: Revocation): void {
    if (this.#isOver(issuedBeforeMs)) return;
    if (userId === EVERYBODY) {
      this.#allIssuedBeforeMs = Math.max(this.#allIssuedBeforeMs, issuedBeforeMs);
      return;
    }
    const known = this.#issuedBeforeMs.get(userId) ?? Number.NEGATIVE_INFINITY;
    if (known >= issuedBeforeMs) return;
    this.#issuedBeforeMs.delete(userId);
    this.#issuedBeforeMs.set(userId, issuedBeforeMs);
    if (this.#issuedBeforeMs.size > this.#maxUsers) this.#giveUpOldest();
  }

  /** Without a token there is nothing to revoke. */
  covers({ userId, issuedAtMs }: Identity): boolean {
    if (issuedAtMs === undefined) return false;
    return (
      issuedAtMs <= this.#allIssuedBeforeMs ||
      issuedAtMs <= (this.#issuedBeforeMs.get(userId) ?? Number.NEGATIVE_INFINITY)
    );
  }

  /** All that there are. More may be added meanwhile. */
  *entries(): IterableIterator<Revocation> {
    const issuedBeforeMs = this.#allIssuedBeforeMs;
    if (Number.isFinite(issuedBeforeMs)) yield { userId: EVERYBODY, issuedBeforeMs };
    for (const [userId, beforeMs] of this.#issuedBeforeMs) {
      yield { userId, issuedBeforeMs: beforeMs };
    }
  }

  /** Forgets what no valid token can need. The owner calls it about once a second. */
  forgetOld(): void {
    for (const [userId, issuedBeforeMs] of this.#issuedBeforeMs) {
      if (!this.#isOver(issuedBeforeMs)) return;
      this.#issuedBeforeMs.delete(userId);
    }
  }

  #isOver(issuedBeforeMs: number): boolean {
    return issuedBeforeMs + this.#keepMs < this.#clock.now();
  }

  #giveUpOldest(): void {
    for (const [userId, issuedBeforeMs] of this.#issuedBeforeMs) {
      this.#issuedBeforeMs.delete(userId);
      this.add({ userId: EVERYBODY, issuedBeforeMs });
      return;
    }
  }
}
