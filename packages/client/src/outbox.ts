import type { Clock } from "./clock.ts";
import type { ClientFrame } from "./frames.ts";
import { Timer } from "./timer.ts";

export interface OutboxInit {
  readonly clock: Clock;
  /** Frames that may be sent at once, and in a second from then on. */
  readonly frameBurst: number;
  readonly frameRate: number;
  readonly send: (frame: ClientFrame) => void;
}

/**
 * Frames of one connection, sent no faster than a server takes them: so many at once, and then so
 * many a second.
 */
export class Outbox {
  readonly #init: OutboxInit;
  #waiting: (() => ClientFrame | undefined)[] = [];
  #allowance: number;
  #countedMs: number;
  readonly #timer: Timer;

  constructor(init: OutboxInit) {
    this.#init = init;
    this.#timer = new Timer(init.clock);
    this.#allowance = init.frameBurst;
    this.#countedMs = init.clock.monotonicMs();
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** @param make called when it is its turn; gives nothing if there is nothing to send any more */
  put(make: () => ClientFrame | undefined): void {
    this.#waiting.push(make);
    if (this.#waiting.length === 1) this.#drain();
  }

  stop(): void {
    this.#timer.clear();
    this.#waiting = [];
  }

  #drain(): void {
    const { clock, frameBurst, frameRate, send } = this.#init;
    const nowMs = clock.monotonicMs();
    const earned = ((nowMs - this.#countedMs) * frameRate) / 1000;
    this.#allowance = Math.min(frameBurst, this.#allowance + earned);
    this.#countedMs = nowMs;
    let sent = 0;
    for (const make of this.#waiting) {
      if (this.#allowance < 1) break;
      sent += 1;
      const frame = make();
      if (frame === undefined) continue;
      this.#allowance -= 1;
      send(frame);
    }
    this.#waiting.splice(0, sent);
    if (this.isEmpty) return;
    const waitMs = Math.ceil(((1 - this.#allowance) * 1000) / frameRate);
    this.#timer.set(waitMs, () => this.#drain());
  }
}
