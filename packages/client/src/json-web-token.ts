/** What a JSON Web Token says of its own life, in Unix milliseconds. */
export interface TokenTimes {
  readonly issuedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/** Reads `iat` and `exp`, and checks nothing. Undefined is what cannot be read. */
export function readTimes(token: string): TokenTimes {
  try {
    const [, payload = ""] = token.split(".");
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const { iat, exp } = claims as Record<string, unknown>;
    return { issuedAt: fromSeconds(iat), expiresAt: fromSeconds(exp) };
  } catch {
    return { issuedAt: undefined, expiresAt: undefined };
  }
}

function fromSeconds(seconds: unknown): number | undefined {
  return typeof seconds === "number" ? seconds * 1000 : undefined;
}
