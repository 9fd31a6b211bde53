import type { Clock, FileFollower, Logger } from "@pushcast/runtime";
import type { NodeMetrics } from "../metrics.ts";
import type { NodeSettings } from "../settings.ts";
import { type Authenticator, believing, TokenAuthenticator } from "./authenticator.ts";
import { JwksUrl } from "./jwks-url.ts";
import { openKeyFile } from "./key-file.ts";
import { TokenVerifier } from "./token-verifier.ts";

export interface AuthInit {
  settings: NodeSettings;
  files: FileFollower;
  clock: Clock;
  logger: Logger;
  metrics: NodeMetrics;
}

/** How this node finds out who its clients are. */
export interface Auth {
  readonly authenticator: Authenticator;
  /** For tokens that come later; without one with `AUTH_MODE=none`. */
  readonly core: { readonly verifier?: TokenVerifier };
  start(): void;
  stop(): void;
}

const LOOPBACK = /^(?:127(?:\.\d+){3}|::1|localhost)$/;

/** @throws InvalidSettings where a key cannot be used */
export function createAuth(init: AuthInit): Auth {
  const { settings, files, clock, logger } = init;
  if (settings.AUTH_MODE === "none") {
    return {
      authenticator: believing,
      core: {},
      start: () => {
        // Behind loopback there is only this machine.
        logger[LOOPBACK.test(settings.WS_HOST) ? "info" : "warn"](
          { AUTH_MODE: "none", WS_HOST: settings.WS_HOST },
          "ANYBODY CAN BE ANYBODY: with AUTH_MODE=none every client is believed, and whoever reaches the WebSocket port reads what is pushed to any user",
        );
      },
      stop: () => {},
    };
  }
  const jwks = jwksUrl(init);
  const verifier = new TokenVerifier({
    keys: jwks ?? openKeyFile(settings, files),
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
    start: () => {
      jwks?.start();
      if (settings.JWT_AUDIENCE === undefined) {
        logger.warn(
          "JWT_AUDIENCE is not set: tokens of the same issuer for other services are taken",
        );
      }
    },
    stop: () => jwks?.stop(),
  };
}

function jwksUrl({ settings, clock, logger, metrics }: AuthInit): JwksUrl | undefined {
  if (settings.JWT_JWKS_URL === undefined) return undefined;
  return new JwksUrl({
    url: settings.JWT_JWKS_URL,
    refreshMs: settings.JWT_JWKS_REFRESH_SECONDS * 1000,
    cooldownMs: settings.JWT_JWKS_COOLDOWN_SECONDS * 1000,
    timeoutMs: settings.JWT_JWKS_TIMEOUT_SECONDS * 1000,
    clock,
    logger,
    onFailure: () => metrics.jwksFailures.inc(),
  });
}
