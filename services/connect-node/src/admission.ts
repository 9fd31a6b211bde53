import type { Clock } from "@pushcast/runtime";
import type { HttpErrorCode } from "@pushcast/wire";
import { AddressRate } from "./address-rate.ts";

/** Why a handshake is not admitted, and after how many whole seconds its client should come again. */
export interface AdmissionRefusal {
  readonly code: Extract<
    HttpErrorCode,
    | "NODE_STARTING"
    | "NODE_DRAINING"
    | "NODE_FULL"
    | "TOO_MANY_SESSIONS_OF_USER"
    | "TOO_MANY_SESSIONS_OF_ADDRESS"
    | "TOO_MANY_HANDSHAKES"
  >;
  readonly retryAfterSeconds: number;
}

/** Whose handshake it is. */
export interface Applicant {
  readonly userId: string;
  /** As `clientAddress` gives it. */
  readonly address: string;
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
  maxSessionsPerUser: number;
  /** 0 is any number. */
  maxSessionsPerAddress: number;
  /** Handshakes that one address may have in a second; 0 is any number. */
  ratePerAddress: number;
  /** The longest time that a refused client is told to wait. */
  maxRetryAfterSeconds: number;
  isStarting: () => boolean;
  isDraining: () => boolean;
  openSessions: () => number;
  sessionsOfUser: (userId: string) => number;
  sessionsOfAddress: (address: string) => number;
}

/** Over how many seconds those are spread that were refused together, however few they are. */
const MIN_SPREAD_SECONDS = 3;

/**
 * Decides which handshakes become sessions: so many a second, so many in all, so many of one user
 * and of one address. Those that it refuses are told to come again one after another, as fast as they
 * can be admitted then; those whose user or address has too many, at any time: they have no place in
 * that queue, or one user could have everybody wait.
 */
export class Admission {
  readonly #init: AdmissionInit;
  readonly #random: () => number;
  readonly #addressRate: AddressRate;
  /** Handshakes that could be admitted at once. */
  #tokens: number;
  /** Refused handshakes that are still to come again: an estimate, as some never will. */
  #backlog = 0;
  #updatedAtMs: number;

  constructor(init: AdmissionInit) {
    this.#init = init;
    this.#random = init.random ?? Math.random;
    this.#addressRate = new AddressRate(init.ratePerAddress);
    this.#tokens = init.burst;
    this.#updatedAtMs = init.clock.monotonicMs();
  }

  /**
   * Asked once for each handshake that could be served: one that is admitted is counted. What its
   * address may not have takes nothing from the others, whatever its token is.
   */
  admit(address: string): AdmissionRefusal | undefined {
    this.#update();
    const excess = this.#excessOf(address);
    if (excess !== undefined) return { code: excess, retryAfterSeconds: this.#anyTimeSeconds() };
    const code = this.#refusal();
    if (code !== undefined) return { code, retryAfterSeconds: this.#retryAfterSeconds() };
    this.#tokens -= 1;
    return undefined;
  }

  /** Asked for one that was admitted, once it is known whose it is. */
  refuse({ userId, address }: Applicant): AdmissionRefusal | undefined {
    const retryAfterSeconds = this.#anyTimeSeconds();
    if (this.#init.sessionsOfUser(userId) >= this.#init.maxSessionsPerUser) {
      return { code: "TOO_MANY_SESSIONS_OF_USER", retryAfterSeconds };
    }
    // Others of its address may have been admitted while it was verified.
    return this.#isFull(address)
      ? { code: "TOO_MANY_SESSIONS_OF_ADDRESS", retryAfterSeconds }
      : undefined;
  }

  #excessOf(address: string): AdmissionRefusal["code"] | undefined {
    if (this.#isFull(address)) return "TOO_MANY_SESSIONS_OF_ADDRESS";
    const mayCome = this.#addressRate.take(address, this.#updatedAtMs);
    return mayCome ? undefined : "TOO_MANY_HANDSHAKES";
  }

  #isFull(address: string): boolean {
    const { maxSessionsPerAddress, sessionsOfAddress } = this.#init;
    return maxSessionsPerAddress > 0 && sessionsOfAddress(address) >= maxSessionsPerAddress;
  }

  /** For those who have no place in the backlog. */
  #anyTimeSeconds(): number {
    return 1 + Math.floor(this.#random() * this.#init.maxRetryAfterSeconds);
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
