import {
  type CrossCheck,
  integer,
  type SettingsOf,
  type SettingsSchema,
  seconds,
  text,
} from "@pushcast/runtime";

const DAY_SECONDS = 86_400;

/** The settings of a connect-node that say which rooms a client may join. */
export const roomSettings = {
  MAX_ROOM_CLAIMS: integer({
    unit: "entries",
    min: 0,
    max: 100_000,
    default: 1000,
    doc: "Entries of a token's claim `rooms`; a token with more is answered 403 CLAIM_FORBIDDEN.",
  }),
  AUTHZ_URL: text({
    pattern: /^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/,
    accepts: "an http:// or https:// URL",
    doc: "Asked with a POST whether a user may join a room, where neither its token nor a ticket says so. Unset, nobody is asked, and the join is refused.",
  }),
  AUTHZ_TOKEN_FILE: text({
    doc: "A file with the bearer token that requests to AUTHZ_URL have. It is read again when it changes.",
  }),
  AUTHZ_TIMEOUT_MS: integer({
    unit: "milliseconds",
    min: 10,
    max: 30_000,
    default: 2000,
    doc: "How long AUTHZ_URL may take to answer, with the time for which a request waits for others; then the join is answered AUTHZ_UNAVAILABLE.",
  }),
  AUTHZ_MAX_REQUESTS: integer({
    unit: "requests",
    min: 1,
    max: 10_000,
    default: 64,
    doc: "Requests to AUTHZ_URL that are under way at once; further ones wait, and their users take turns. Joins of the same user and room share one.",
  }),
  AUTHZ_CACHE_SECONDS: seconds({
    min: 0,
    max: 3600,
    default: 10,
    doc: "How long an answer of AUTHZ_URL that allows is remembered.",
  }),
  AUTHZ_DENIAL_CACHE_SECONDS: seconds({
    min: 0,
    max: 3600,
    default: 2,
    doc: "How long an answer of AUTHZ_URL that denies is remembered.",
  }),
  AUTHZ_CACHE_ENTRIES: integer({
    unit: "answers",
    min: 0,
    max: 10_000_000,
    default: 100_000,
    doc: "Answers of AUTHZ_URL that are remembered, about 250 bytes each; the oldest gives way.",
  }),
  TICKET_SECRET_FILE: text({
    doc: "A file with the secrets of tickets, one a line, each of at least 32 bytes: the first signs, all verify. It is read again when it changes. The same on all nodes. Unset, no ticket is given and none is good.",
  }),
  TICKET_SECONDS: seconds({
    min: 1,
    max: 30 * DAY_SECONDS,
    default: 43_200,
    doc: "How long a ticket is good: for how long a session that the biz-server has put into a room can come back without being put there again. The same on all nodes.",
  }),
  MAX_RECALLED_TICKETS: integer({
    unit: "users in rooms",
    min: 0,
    max: 10_000_000,
    default: 100_000,
    doc: "Users taken out of a room by LeaveRoom whose tickets for it a node refuses, for TICKET_SECONDS; about 250 bytes each. Beyond it the oldest is forgotten.",
  }),
} satisfies SettingsSchema;

export type RoomSettings = SettingsOf<typeof roomSettings>;

/** What must hold between them. */
export const roomChecks: readonly CrossCheck<RoomSettings>[] = [
  {
    settings: ["AUTHZ_TOKEN_FILE", "AUTHZ_URL"],
    problem: ({ AUTHZ_TOKEN_FILE, AUTHZ_URL }) =>
      AUTHZ_TOKEN_FILE !== undefined && AUTHZ_URL === undefined ? "needs AUTHZ_URL" : undefined,
  },
];
