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
    if (this.#firsts.size >= this.#bounds.maxKeys) {
      this.#firsts.delete(this.#firsts.keys().next().value as string);
    }
    this.#firsts.set(key, first);
    return first;
  }

  #forgetExpired(nowMs: number): void {
    for (const [key, first] of this.#firsts) {
      if (nowMs - first.beganAtMs <= this.#bounds.maxAgeMs) return;
      this.#firsts.delete(key);
    }
  }
}
