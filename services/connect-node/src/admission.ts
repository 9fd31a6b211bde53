import type { Clock } from "@pushcast/runtime";
import type { HttpErrorCode } from "@pushcast/wire";

/** Why a handshake is not admitted, and after how many whole seconds its client should come again. */
export interface AdmissionRefusal {
  readonly code: Extract<
    HttpErrorCode,
    "NODE_STARTING" | "NODE_DRAINING" | "NODE_FULL" | "TOO_MANY_HANDSHAKES"
  >;
  readonly retryAfterSeconds: number;
}

export interface AdmissionInit {
  clock: Clock;
  /** From 0 up to and without 1. @default `Math.random` */
  random?: () => number;
  /** Handshakes a second that are admitted in the long run. */
  ratePerSecond: number;
  /** Handshakes that are admitted at once after a quiet time. */
  burst: number;
  maxSessions: number;
  /** The longest time that a refused client is told to wait. */
  maxRetryAfterSeconds: number;
  isStarting: () => boolean;
  isDraining: () => boolean;
  openSessions: () => number;
}

/** Over how many seconds those are spread that were refused together, however few they are. */
const MIN_SPREAD_SECONDS = 3;

/**
 * Decides which handshakes become sessions: so many a second, and so many in all. Those that it
 * refuses are told to come again one after another, as fast as they can be admitted then.
 */
export class Admission {
  readonly #init: AdmissionInit;
  readonly #random: () => number;
  /** Handshakes that could be admitted at once. */
  #tokens: number;
  /** Refused handshakes that are still to come again: an estimate, as some never will. */
  #backlog = 0;
  #updatedAtMs: number;

  constructor(init: AdmissionInit) {
    this.#init = init;
    this.#random = init.random ?? Math.random;
    this.#tokens = init.burst;
    this.#updatedAtMs = init.clock.monotonicMs();
  }

  /** Asked once for each handshake that could be served: one that is admitted is counted. */
  admit(): AdmissionRefusal | undefined {
    this.#update();
    const code = this.#refusal();
    if (code !== undefined) return { code, retryAfterSeconds: this.#retryAfterSeconds() };
    this.#tokens -= 1;
    return undefined;
  }

  #refusal(): AdmissionRefusal["code"] | undefined {
    const { isStarting, isDraining, openSessions, maxSessions } = this.#init;
    if (isStarting()) return "NODE_STARTING";
    if (isDraining()) return "NODE_DRAINING";
    if (openSessions() >= maxSessions) return "NODE_FULL";
    return this.#tokens < 1 ? "TOO_MANY_HANDSHAKES" : undefined;
  }

  #update(): void {
    const { clock, ratePerSecond, burst } = this.#init;
    const nowMs = clock.monotonicMs();
    const admissible = ((nowMs - this.#updatedAtMs) / 1000) * ratePerSecond;
    this.#tokens = Math.min(burst, this.#tokens + admissible);
    this.#backlog = Math.max(0, this.#backlog - admissible);
    this.#updatedAtMs = nowMs;
  }

  /** Its place at the end of the backlog, with jitter: whole seconds alone would make groups. */
  #retryAfterSeconds(): number {
    const { ratePerSecond, maxRetryAfterSeconds } = this.#init;
    const spreadSeconds = Math.min(MIN_SPREAD_SECONDS, maxRetryAfterSeconds);
    const latestSeconds = maxRetryAfterSeconds - spreadSeconds;
    const placeSeconds = this.#backlog / ratePerSecond;
    this.#backlog = Math.min(this.#backlog + 1, latestSeconds * ratePerSecond);
    return 1 + Math.floor(placeSeconds + this.#random() * spreadSeconds);
  }
}
