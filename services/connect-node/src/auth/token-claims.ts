import { idProblem } from "@pushcast/wire";
import type { JWTPayload } from "jose";
import type { Identity } from "../identity.ts";
import { type RoomClaimLimits, readRoomClaims } from "../rooms/room-claims.ts";
import type { TokenRefusal } from "./token-verifier.ts";

export interface ClaimLimits {
  readonly nowMs: number;
  readonly toleranceMs: number;
  /** The longest time from `iat` to `exp`. */
  readonly maxMs: number;
  readonly rooms: RoomClaimLimits;
}

/** What a token that verifies says of its session, if it may. */
export function readClaims(
  claims: JWTPayload,
  { nowMs, toleranceMs, maxMs, rooms }: ClaimLimits,
): Identity | TokenRefusal {
  const { sub, iat, exp } = claims;
  const issuedAtMs = milliseconds(iat);
  const expiresAtMs = milliseconds(exp);
  if (issuedAtMs === undefined || expiresAtMs === undefined) {
    return { code: "TOKEN_INVALID", message: "iat or exp is no time" };
  }
  if (issuedAtMs > nowMs + toleranceMs) {
    return { code: "TOKEN_INVALID", message: "the token was issued in the future" };
  }
  if (expiresAtMs - issuedAtMs > maxMs) {
    const message = `from iat to exp are more than ${maxMs / 1000} s`;
    return { code: "CLAIM_FORBIDDEN", message };
  }
  const problem = typeof sub === "string" ? idProblem(sub) : "must be a string";
  if (typeof sub !== "string" || problem !== undefined) {
    return { code: "CLAIM_FORBIDDEN", message: `sub ${problem}` };
  }
  const roomClaims = readRoomClaims(claims, rooms);
  if (!roomClaims.ok) return { code: "CLAIM_FORBIDDEN", message: roomClaims.problem };
  return { userId: sub, ...roomClaims.claims, issuedAtMs, expiresAtMs };
}

/** RFC 7519 §2: a NumericDate is in seconds, and may have a fraction. */
function milliseconds(numericDate: number | undefined): number | undefined {
  const ms = Math.floor((numericDate ?? Number.NaN) * 1000);
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : undefined;
}
