import type { Clock, Logger } from "@pushcast/runtime";
import type { AuthzQuestion, AuthzRequest } from "./authz-request.ts";
import { ExpiringMap } from "./expiring-map.ts";
import { userInRoom } from "./user-in-room.ts";
import { UserTurns } from "./user-turns.ts";

/** `unavailable`: there was no answer, so nobody is let in; another attempt may get one. */
export type AuthzAnswer = "allow" | "deny" | "unavailable";

/** How a request ended. */
export type AuthzResult = "allow" | "deny" | "error" | "timeout";

export const AUTHZ_RESULTS: readonly AuthzResult[] = ["allow", "deny", "error", "timeout"];

export interface RoomAuthzInit {
  request: AuthzRequest;
  timeoutMs: number;
  /** Further ones wait, within their own time; their users take turns. */
  maxRequests: number;
  cache: { readonly allowMs: number; readonly denyMs: number; readonly maxEntries: number };
  clock: Clock;
  logger: Logger;
  onResult: (result: AuthzResult, ms: number) => void;
  onCached: () => void;
}

interface Pending {
  readonly ended: AbortController;
  /** Something has happened meanwhile that the answer may not know of. */
  isStale: boolean;
  answer: Promise<AuthzAnswer>;
}

/** At most one line a minute says what is wrong with the biz-server's answers. */
const LOG_EVERY_MS = 60_000;

/**
 * The biz-server's word on who may join which room, remembered for a short time. Those who ask the same
 * meanwhile share one request; whatever is no answer lets nobody in.
 */
export class RoomAuthz {
  readonly #init: RoomAuthzInit;
  readonly #answers: ExpiringMap<"allow" | "deny">;
  readonly #pending = new Map<string, Pending>();
  readonly #turns: UserTurns;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  /** What was logged last is that nobody is let in. */
  #isLoggedAsFailing = false;

  constructor(init: RoomAuthzInit) {
    this.#init = init;
    this.#turns = new UserTurns(init.maxRequests);
    this.#answers = new ExpiringMap(init.cache.maxEntries, () => init.clock.monotonicMs());
  }

  /** Requests that are not answered, also those that wait for others. */
  get pending(): number {
    return this.#pending.size;
  }

  get cached(): number {
    return this.#answers.size;
  }

  /** Never rejects. */
  ask(question: AuthzQuestion): AuthzAnswer | Promise<AuthzAnswer> {
    const key = userInRoom(question.userId, question.room);
    const known = this.#answers.get(key);
    if (known !== undefined) {
      this.#init.onCached();
      return known;
    }
    const shared = this.#pending.get(key);
    if (shared !== undefined) return shared.answer;
    const ended = new AbortController();
    const pending: Pending = { ended, isStale: false, answer: Promise.resolve("unavailable") };
    this.#pending.set(key, pending);
    pending.answer = this.#ask(question, key, pending);
    return pending.answer;
  }

  /** The user was taken out of the room: what was answered before counts no more. */
  forget(userId: string, room: string): void {
    const key = userInRoom(userId, room);
    this.#answers.delete(key);
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    pending.isStale = true;
    this.#pending.delete(key);
  }

  /** Ends what is under way; it is answered `unavailable`. */
  stop(): void {
    for (const { ended } of this.#pending.values()) ended.abort();
  }

  async #ask(question: AuthzQuestion, key: string, pending: Pending): Promise<AuthzAnswer> {
    const { clock, timeoutMs, cache, onResult } = this.#init;
    const beganAtMs = clock.monotonicMs();
    const timer = clock.setTimeout(() => pending.ended.abort(), timeoutMs);
    const result = await this.#request(question, pending.ended.signal);
    clock.clearTimeout(timer);
    onResult(result, clock.monotonicMs() - beganAtMs);
    if (pending.isStale) return "unavailable";
    this.#pending.delete(key);
    if (result === "error" || result === "timeout") return "unavailable";
    this.#answers.set(key, result, result === "allow" ? cache.allowMs : cache.denyMs);
    return result;
  }

  async #request(question: AuthzQuestion, signal: AbortSignal): Promise<AuthzResult> {
    const hasTurn = this.#turns.tryTake() || (await this.#turns.take(question.userId, signal));
    if (!hasTurn) return "timeout";
    try {
      signal.throwIfAborted();
      const isAllowed = await this.#init.request(question, signal);
      this.#logRecovery();
      return isAllowed ? "allow" : "deny";
    } catch (err) {
      this.#logFailure(err, signal.aborted);
      return signal.aborted ? "timeout" : "error";
    } finally {
      this.#turns.give();
    }
  }

  #logFailure(err: unknown, isTimeout: boolean): void {
    const nowMs = this.#init.clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#isLoggedAsFailing = true;
    const problem = isTimeout ? "no answer in AUTHZ_TIMEOUT_MS" : problemOf(err);
    this.#init.logger.error({ problem }, "AUTHZ_URL does not say who may join; nobody is let in");
  }

  #logRecovery(): void {
    if (!this.#isLoggedAsFailing) return;
    this.#isLoggedAsFailing = false;
    this.#init.logger.info("AUTHZ_URL says again who may join");
  }
}

/** `fetch` says what is wrong in its error's cause. */
function problemOf(err: unknown): string {
  if (!(err instanceof Error)) return "unknown";
  if (err instanceof SyntaxError) return "answered with what is no JSON";
  const { cause } = err;
  return cause instanceof Error && "code" in cause ? String(cause.code) : err.message;
}
