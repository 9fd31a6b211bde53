export type ErrorCode = keyof typeof ERROR_CODES;

/** Every code of an `error` frame, with its meaning. The connection stays open. */
export const ERROR_CODES = {
  UNKNOWN_TYPE: "the server knows no frame of this type",
  BAD_REQUEST: "a field is missing or wrong",
  ROOM_INVALID: "not a room id: 1–256 bytes of UTF-8 without control characters",
  ROOM_FORBIDDEN: "the user may not join the room",
  AUTHZ_UNAVAILABLE:
    "nobody could say now whether the user may join the room; a later join may be answered",
  TOO_MANY_ROOMS: "the session is in `MAX_ROOMS_PER_SESSION` rooms already",
  POSITION_INVALID:
    "not a position: an object of at most 128 entries, 16 lower-case hex digits → integer 0…2^53−1",
  TOKEN_INVALID: "the token was refused; the session goes on with the one that it has",
  TOKEN_UNVERIFIED: "the token cannot be verified now: send it again after a while",
  TOO_MANY_TOKENS: "`token` frames come too fast",
} as const;
