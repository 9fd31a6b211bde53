/** What a JSON Web Token says of its own life, in Unix milliseconds. */
export interface TokenTimes {
  readonly issuedAt?: number;
  readonly expiresAt?: number;
}

/** Reads `iat` and `exp`, and checks nothing. Empty for what cannot be read. */
export function readTimes(token: string): TokenTimes {
  try {
    const [, payload = ""] = token.split(".");
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const { iat, exp } = claims as Record<string, unknown>;
    return {
      ...(typeof iat === "number" ? { issuedAt: iat * 1000 } : {}),
      ...(typeof exp === "number" ? { expiresAt: exp * 1000 } : {}),
    };
  } catch {
    return {};
  }
}
