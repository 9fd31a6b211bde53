import type { JWTVerifyGetKey } from "jose";

type FoundKey = Awaited<ReturnType<JWTVerifyGetKey>>;

/** The key for a token, by its header. */
export type FindKey = (...token: Parameters<JWTVerifyGetKey>) => Promise<FoundKey>;

/** Keys of one kind, ready for use. */
export interface KeySet {
  /** Those that fit the keys. A token's header chooses among them, and cannot add to them. */
  readonly algorithms: readonly string[];
  /** @throws JOSEError where no key is for the token */
  readonly find: FindKey;
}

/** Where the keys come from that tokens are verified with. */
export interface TokenKeys {
  readonly algorithms: readonly string[];
  /** @throws KeysUnavailable, or JOSEError where no key is for the token */
  find(...token: Parameters<FindKey>): ReturnType<FindKey>;
}

/** Whether there is a key for the token cannot be told now. */
export class KeysUnavailable extends Error {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super("the keys of tokens cannot be had");
    this.name = "KeysUnavailable";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
