import {
  type CrossCheck,
  integer,
  oneOf,
  originList,
  type SettingsOf,
  type SettingsSchema,
  seconds,
  text,
} from "@pushcast/runtime";

const DAY_SECONDS = 86_400;

/** What stands before a node that believes everybody where it matters. */
const NONE_IN_PRODUCTION = "i-know-that-anybody-can-be-anybody";

/** The settings of a connect-node that say who a client is. */
export const authSettings = {
  AUTH_MODE: oneOf(["jwt", "none"], {
    default: "jwt",
    doc: "How clients are identified: by a token, or not at all (`?user_id=` is believed).",
  }),
  NODE_ENV: text({ doc: "With production, as in the images, AUTH_MODE=none is refused." }),
  AUTH_NONE_IN_PRODUCTION: oneOf([NONE_IN_PRODUCTION], {
    doc: "Allows AUTH_MODE=none with NODE_ENV=production: whoever reaches WS_PORT can be any user, and read what is pushed to that user.",
  }),
  JWT_SECRET_FILE: text({
    doc: "A file with the secret of tokens that are signed with HS256: its bytes, at least 32, but for a line's end after them. It is read again when it changes. With AUTH_MODE=jwt exactly one of this, JWT_PUBLIC_KEY_FILE and JWT_JWKS_URL is required.",
  }),
  JWT_PUBLIC_KEY_FILE: text({
    doc: "A file with the public key of tokens, as PEM, as a JWK or as a JWK set: RSA (RS256 to RS512, PS256 to PS512), EC (ES256, ES384 or ES512, as its curve is) or Ed25519 (EdDSA). It is read again when it changes.",
  }),
  JWT_JWKS_URL: text({
    pattern: /^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/,
    accepts: "an http:// or https:// URL",
    doc: "Where the public keys of tokens are had as a JWK set. They are kept, and kept on while it cannot be reached.",
  }),
  JWT_ISSUER: text({ doc: "The `iss` that tokens must have; unset, it is not looked at." }),
  JWT_AUDIENCE: text({
    doc: "The `aud` that tokens must have, alone or among others; unset, it is not looked at, and tokens that the same issuer made for other services are taken too.",
  }),
  JWT_CLOCK_TOLERANCE_SECONDS: seconds({
    min: 0,
    max: 600,
    default: 5,
    doc: "How far the issuer's clock may be off: a token is taken for so long after `exp`, and before `nbf` and `iat`.",
  }),
  JWT_MAX_SECONDS: seconds({
    min: 1,
    max: 366 * DAY_SECONDS,
    default: DAY_SECONDS,
    doc: "The longest life of a token that is taken, from `iat` to `exp`; and how long a revocation is kept. The same in all processes.",
  }),
  JWT_MAX_BYTES: integer({
    unit: "bytes",
    min: 256,
    max: 65_536,
    default: 8192,
    doc: "The longest token. Headers may have 16 KiB in all.",
  }),
  JWT_JWKS_REFRESH_SECONDS: seconds({
    min: 1,
    max: DAY_SECONDS,
    default: 300,
    doc: "How often JWT_JWKS_URL is read: how soon a key that was taken out is no longer trusted.",
  }),
  JWT_JWKS_COOLDOWN_SECONDS: seconds({
    min: 0.1,
    max: 3600,
    default: 10,
    doc: "How soon JWT_JWKS_URL is read at the earliest after it was read or failed, because a token names a key that is not known.",
  }),
  JWT_JWKS_TIMEOUT_SECONDS: seconds({
    min: 0.1,
    max: 60,
    default: 5,
    doc: "How long JWT_JWKS_URL may take to answer; handshakes with a key that is not known wait for it.",
  }),
  TOKEN_FRAMES_PER_MINUTE: integer({
    unit: "frames",
    min: 1,
    max: 10_000,
    default: 10,
    doc: "`token` frames of one session that are looked at in a minute; others are answered TOO_MANY_TOKENS.",
  }),
  MAX_REVOCATIONS: integer({
    unit: "users",
    min: 1,
    max: 10_000_000,
    default: 100_000,
    doc: "Users whose tokens were revoked, of which a node remembers since when; about 200 bytes each. Beyond it the oldest gives way, and then all tokens are refused that were issued before that one.",
  }),
  ALLOWED_ORIGINS: originList({
    doc: "The pages that may connect; others are answered 403. Unset, any may: no cookie says who a client is, so a foreign page has no token of its reader. What sends no Origin is no browser, and may.",
  }),
} satisfies SettingsSchema;

export type AuthSettings = SettingsOf<typeof authSettings>;

/** What must hold between them. */
export const authChecks: readonly CrossCheck<AuthSettings>[] = [
  {
    settings: ["AUTH_MODE", "JWT_SECRET_FILE", "JWT_PUBLIC_KEY_FILE", "JWT_JWKS_URL"],
    problem: ({ AUTH_MODE, JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL }) => {
      if (AUTH_MODE === "none") return undefined;
      const given = [JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL].filter(Boolean).length;
      if (given === 1) return undefined;
      const problem = given === 0 ? "needs one of" : "takes only one of";
      return `jwt, the default, ${problem} JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE and JWT_JWKS_URL; none, where every client may be believed, must be set by hand`;
    },
  },
  {
    settings: ["AUTH_MODE", "NODE_ENV", "AUTH_NONE_IN_PRODUCTION"],
    problem: ({ AUTH_MODE, NODE_ENV, AUTH_NONE_IN_PRODUCTION }) =>
      AUTH_MODE === "none" &&
      NODE_ENV === "production" &&
      AUTH_NONE_IN_PRODUCTION !== NONE_IN_PRODUCTION
        ? `none lets anybody be anybody, and is refused with NODE_ENV=production unless AUTH_NONE_IN_PRODUCTION=${NONE_IN_PRODUCTION}`
        : undefined,
  },
];
