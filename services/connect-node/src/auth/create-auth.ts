import type { Clock, Logger } from "@pushcast/runtime";
import type { NodeMetrics } from "../metrics.ts";
import type { NodeSettings } from "../settings.ts";
import { type Authenticator, believing, TokenAuthenticator } from "./authenticator.ts";
import { JwksUrl } from "./jwks-url.ts";
import { KeyFile } from "./key-file.ts";
import { readPublicKeys, readSecret } from "./key-formats.ts";
import type { TokenKeys } from "./token-keys.ts";
import { TokenVerifier } from "./token-verifier.ts";

export interface AuthInit {
  settings: NodeSettings;
  clock: Clock;
  logger: Logger;
  metrics: NodeMetrics;
}

/** How this node finds out who its clients are. */
export interface Auth {
  readonly authenticator: Authenticator;
  /** For tokens that come later; without one with `AUTH_MODE=none`. */
  readonly core: { readonly verifier?: TokenVerifier };
  /** @throws InvalidSettings where a key cannot be used */
  start(): Promise<void>;
  stop(): void;
}

const LOOPBACK = /^(?:127(?:\.\d+){3}|::1|localhost)$/;

export function createAuth(init: AuthInit): Auth {
  const { settings, clock, logger } = init;
  const keys = tokenKeys(init);
  if (keys === undefined) {
    return {
      authenticator: believing,
      core: {},
      start: async () => {
        // Behind loopback there is only this machine.
        logger[LOOPBACK.test(settings.WS_HOST) ? "info" : "warn"](
          { AUTH_MODE: "none", WS_HOST: settings.WS_HOST },
          "ANYBODY CAN BE ANYBODY: with AUTH_MODE=none every client is believed, and whoever reaches the WebSocket port reads what is pushed to any user",
        );
      },
      stop: () => {},
    };
  }
  const verifier = new TokenVerifier({
    keys,
    clock,
    logger,
    issuer: settings.JWT_ISSUER,
    audience: settings.JWT_AUDIENCE,
    toleranceMs: settings.JWT_CLOCK_TOLERANCE_SECONDS * 1000,
    maxMs: settings.JWT_MAX_SECONDS * 1000,
    maxBytes: settings.JWT_MAX_BYTES,
    rooms: { maxRooms: settings.MAX_ROOM_CLAIMS, maxAutoJoin: settings.MAX_ROOMS_PER_SESSION },
  });
  return {
    authenticator: new TokenAuthenticator(verifier),
    core: { verifier },
    start: async () => {
      await keys.start();
      if (settings.JWT_AUDIENCE === undefined) {
        logger.warn(
          "JWT_AUDIENCE is not set: tokens of the same issuer for other services are taken",
        );
      }
    },
    stop: () => keys.stop(),
  };
}

/** Undefined with `AUTH_MODE=none`. */
function tokenKeys({ settings, clock, logger, metrics }: AuthInit): TokenKeys | undefined {
  const { AUTH_MODE, JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL } = settings;
  if (AUTH_MODE === "none") return undefined;
  const common = { clock, logger };
  if (JWT_JWKS_URL !== undefined) {
    return new JwksUrl({
      ...common,
      url: JWT_JWKS_URL,
      refreshMs: settings.JWT_JWKS_REFRESH_SECONDS * 1000,
      cooldownMs: settings.JWT_JWKS_COOLDOWN_SECONDS * 1000,
      timeoutMs: settings.JWT_JWKS_TIMEOUT_SECONDS * 1000,
      onFailure: () => metrics.jwksFailures.inc(),
    });
  }
  return JWT_SECRET_FILE === undefined
    ? new KeyFile({
        ...common,
        setting: "JWT_PUBLIC_KEY_FILE",
        path: JWT_PUBLIC_KEY_FILE ?? "",
        read: readPublicKeys,
      })
    : new KeyFile({
        ...common,
        setting: "JWT_SECRET_FILE",
        path: JWT_SECRET_FILE,
        read: readSecret,
      });
}
