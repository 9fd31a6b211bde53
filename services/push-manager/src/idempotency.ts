import type { PushAnswer } from "./push.ts";

export interface IdempotencyBounds {
  /** How long a key is remembered. */
  readonly maxAgeMs: number;
  /** How many keys are remembered; the oldest is forgotten first. */
  readonly maxKeys: number;
}

/** The first push with a key: what it was answered with, and who else waits for that. */
export class FirstPush {
  readonly beganAtMs: number;
  #answer: PushAnswer | undefined;
  #waiters: ((answer: PushAnswer) => void)[] = [];

  constructor(beganAtMs: number) {
    this.beganAtMs = beganAtMs;
  }

  get isAnswered(): boolean {
    return this.#answer !== undefined;
  }

  /** Calls `waiter` with the answer: at once, or when there is one. */
  whenAnswered(waiter: (answer: PushAnswer) => void): void {
    if (this.#answer === undefined) this.#waiters.push(waiter);
    else waiter(this.#answer);
  }

  answer(answer: PushAnswer): void {
    this.#answer = answer;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter(answer);
  }
}

/** The idempotency keys that this manager has accepted lately, over all rpcs. */
export class IdempotencyKeys {
  readonly #bounds: IdempotencyBounds;
  /** In the order in which they began. */
  readonly #firsts = new Map<string, FirstPush>();
  /** Kept: a new iterator would pass over all that was deleted before it, 40 µs with 100,000 keys. */
  #oldestFirst = this.#firsts.entries();
  #oldest: readonly [string, FirstPush] | undefined;

  constructor(bounds: IdempotencyBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#firsts.size;
  }

  find(key: string, nowMs: number): FirstPush | undefined {
    this.#forgetExpired(nowMs);
    return this.#firsts.get(key);
  }

  /** Remembers that a push with this key, which is not known, has been accepted. */
  begin(key: string, nowMs: number): FirstPush {
    const first = new FirstPush(nowMs);
    if (this.#firsts.size >= this.#bounds.maxKeys) this.#forgetOldest();
    this.#firsts.set(key, first);
    return first;
  }

  #forgetExpired(nowMs: number): void {
    for (let first = this.#peekOldest(); first !== undefined; first = this.#peekOldest()) {
      if (nowMs - first.beganAtMs <= this.#bounds.maxAgeMs) return;
      this.#forgetOldest();
    }
  }

  #peekOldest(): FirstPush | undefined {
    if (this.#oldest === undefined && this.#firsts.size > 0) {
      let next = this.#oldestFirst.next();
      if (next.done === true) {
        this.#oldestFirst = this.#firsts.entries();
        next = this.#oldestFirst.next();
      }
      this.#oldest = next.value;
    }
    return this.#oldest?.[1];
  }

  #forgetOldest(): void {
    this.#peekOldest();
    if (this.#oldest !== undefined) this.#firsts.delete(this.#oldest[0]);
    this.#oldest = undefined;
  }
}
