import type { Clock } from "@pushcast/runtime";
import { type CloseReason, closeReason, ERROR_CODES, type ErrorCode } from "@pushcast/wire";
import type { Identity } from "../identity.ts";
import type { Session } from "../session.ts";
import type { Revocations } from "./revocations.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/** What a `token` frame comes to. */
export type TokenAnswer =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly error: { readonly code: ErrorCode; readonly message: string } }
  | { readonly ok: false; readonly close: CloseReason };

const MINUTE_MS = 60_000;

interface Minute {
  readonly beganAtMs: number;
  frames: number;
}

/** Judges the tokens that sessions send while they are open. */
export class TokenFrames {
  readonly #verifier: TokenVerifier;
  readonly #revocations: Revocations;
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #onRefused: (code: ErrorCode) => void;
  /** Beside the sessions: most never send one. */
  readonly #minutes = new WeakMap<Session, Minute>();

  constructor(init: {
    verifier: TokenVerifier;
    revocations: Revocations;
    clock: Clock;
    /** Of one session. */
    perMinute: number;
    onRefused: (code: ErrorCode) => void;
  }) {
    this.#verifier = init.verifier;
    this.#revocations = init.revocations;
    this.#clock = init.clock;
    this.#perMinute = init.perMinute;
    this.#onRefused = init.onRefused;
  }

  async answer(session: Session, token: string): Promise<TokenAnswer> {
    if (!this.#mayTry(session)) return this.#refuse("TOO_MANY_TOKENS");
    const verified = await this.#verifier.verify(token);
    if ("code" in verified) {
      const { code, message } = verified;
      if (code === "TOKEN_KEYS_UNAVAILABLE") return this.#refuse("TOKEN_UNVERIFIED");
      return this.#refuse("TOKEN_INVALID", message ?? REASONS[code]);
    }
    if (verified.userId !== session.userId) {
      // Somebody else is there now. What is the first user's must not go to them.
      return { ok: false, close: closeReason("FORBIDDEN", "the token is of another user") };
    }
    if (this.#revocations.covers(verified)) {
      return this.#refuse("TOKEN_INVALID", REASONS.TOKEN_REVOKED);
    }
    return { ok: true, identity: verified };
  }

  #mayTry(session: Session): boolean {
    const nowMs = this.#clock.monotonicMs();
    let minute = this.#minutes.get(session);
    if (minute === undefined || nowMs - minute.beganAtMs >= MINUTE_MS) {
      minute = { beganAtMs: nowMs, frames: 0 };
      this.#minutes.set(session, minute);
    }
    minute.frames += 1;
    return minute.frames <= this.#perMinute;
  }

  #refuse(code: ErrorCode, message: string = ERROR_CODES[code]): TokenAnswer {
    this.#onRefused(code);
    return { ok: false, error: { code, message } };
  }
}

const REASONS = {
  TOKEN_INVALID: "the token does not verify",
  TOKEN_EXPIRED: "the token has expired",
  TOKEN_REVOKED: "the token was revoked",
  CLAIM_FORBIDDEN: "a claim of the token is refused",
};
