import type { Clock, Logger } from "@pushcast/runtime";
import type { HttpErrorCode } from "@pushcast/wire";
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { Identity } from "../identity.ts";
import type { RoomClaimLimits } from "../rooms/room-claims.ts";
import { readClaims } from "./token-claims.ts";
import { KeysUnavailable, type TokenKeys } from "./token-keys.ts";

/** Why a token is not taken. The message is for its bearer, and shows nothing of the token. */
export interface TokenRefusal {
  readonly code: Extract<
    HttpErrorCode,
    | "TOKEN_INVALID"
    | "TOKEN_EXPIRED"
    | "TOKEN_REVOKED"
    | "CLAIM_FORBIDDEN"
    | "TOKEN_KEYS_UNAVAILABLE"
  >;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

export interface TokenVerifierInit {
  keys: TokenKeys;
  clock: Clock;
  logger: Logger;
  issuer: string | undefined;
  audience: string | undefined;
  toleranceMs: number;
  maxMs: number;
  maxBytes: number;
  rooms: RoomClaimLimits;
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Judges tokens: whom they name, if they are what they say. */
export class TokenVerifier {
  readonly #init: TokenVerifierInit;

  constructor(init: TokenVerifierInit) {
    this.#init = init;
  }

  /** Why a token can be refused without verifying it, if so: what costs little comes first. */
  refuseUnverified(token: string): TokenRefusal | undefined {
    const { keys, clock, toleranceMs, maxBytes } = this.#init;
    if (token.length > maxBytes) {
      return { code: "TOKEN_INVALID", message: `the token has more than ${maxBytes} bytes` };
    }
    try {
      if (!COMPACT.test(token)) return NO_JWT;
      const { alg = "" } = decodeProtectedHeader(token);
      const isPossible = keys.algorithms.includes(alg);
      if (!isPossible) {
        return { code: "TOKEN_INVALID", message: "tokens with its alg are not taken here" };
      }
      const { exp } = decodeJwt(token);
      const isExpired = typeof exp === "number" && exp * 1000 <= clock.now() - toleranceMs;
      return isExpired ? { code: "TOKEN_EXPIRED" } : undefined;
    } catch {
      return NO_JWT;
    }
  }

  async verify(token: string): Promise<Identity | TokenRefusal> {
    const { keys, clock, issuer, audience, toleranceMs, maxMs, rooms } = this.#init;
    const refusal = this.refuseUnverified(token);
    if (refusal !== undefined) return refusal;
    try {
      const { payload } = await jwtVerify(token, (...asked) => keys.find(...asked), {
        algorithms: [...keys.algorithms],
        requiredClaims: ["sub", "exp", "iat"],
        clockTolerance: toleranceMs / 1000,
        currentDate: new Date(clock.now()),
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      });
      return readClaims(payload, { nowMs: clock.now(), toleranceMs, maxMs, rooms });
    } catch (error) {
      return this.#refusalFor(error);
    }
  }

  #refusalFor(error: unknown): TokenRefusal {
    if (error instanceof KeysUnavailable) {
      return { code: "TOKEN_KEYS_UNAVAILABLE", retryAfterSeconds: error.retryAfterSeconds };
    }
    if (error instanceof errors.JWTExpired) return { code: "TOKEN_EXPIRED" };
    if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error);
    if (error instanceof errors.JWKSNoMatchingKey) {
      return { code: "TOKEN_INVALID", message: "the token is signed with a key that is not known" };
    }
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      return {
        code: "TOKEN_INVALID",
        message: "the token does not say which key it is signed with",
      };
    }
    if (!(error instanceof errors.JOSEError)) {
      // A fault in the keys, say, or in a library: nobody gets in by it.
      this.#init.logger.error({ err: error }, "a token could not be judged");
    }
    return { code: "TOKEN_INVALID" };
  }
}

const NO_JWT: TokenRefusal = { code: "TOKEN_INVALID", message: "the token is no signed JWT" };

function claimRefusal({ claim, reason }: errors.JWTClaimValidationFailed): TokenRefusal {
  if (claim === "nbf") return { code: "TOKEN_INVALID", message: "the token is not valid yet" };
  if (reason === "missing") return { code: "CLAIM_FORBIDDEN", message: `${claim} is missing` };
  return { code: "CLAIM_FORBIDDEN", message: `${claim} is not what it must be` };
}
