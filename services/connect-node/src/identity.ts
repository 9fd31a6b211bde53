/** Who a session is, and what its token says of it. */
export interface Identity {
  readonly userId: string;
  /**
   * The rooms that it may join: exact names, and prefixes like `chat:*`. Undefined: its token says
   * nothing of rooms.
   */
  readonly rooms: readonly string[] | undefined;
  /** The rooms that its session is in from the start. */
  readonly autoJoin: readonly string[];
  /** Unix milliseconds; undefined with `AUTH_MODE=none`. */
  readonly issuedAtMs: number | undefined;
  /** Unix milliseconds, as `issuedAtMs`. */
  readonly expiresAtMs: number | undefined;
}

/** Of a user who is believed, with `AUTH_MODE=none`. */
export function identityWithoutToken(userId: string): Identity {
  return {
    userId,
    rooms: undefined,
    autoJoin: [],
    issuedAtMs: undefined,
    expiresAtMs: undefined,
  };
}
