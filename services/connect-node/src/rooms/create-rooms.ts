import type { Clock, FileFollower, Logger } from "@pushcast/runtime";
import type { NodeMetrics } from "../metrics.ts";
import type { NodeSettings } from "../settings.ts";
import { authzRequest } from "./authz-request.ts";
import { RoomAuthz } from "./room-authz.ts";
import { RoomRights } from "./room-rights.ts";
import type { RoomSettings } from "./room-settings.ts";
import { readBearerToken, readSecretLines } from "./secret-lines.ts";
import { Tickets } from "./tickets.ts";

export interface RoomsInit {
  settings: RoomSettings & Pick<NodeSettings, "AUTH_MODE">;
  files: FileFollower;
  clock: Clock;
  logger: Logger;
  metrics: Pick<NodeMetrics, "authzRequests" | "authzSeconds" | "authzCached">;
}

/** What decides who may join which room. */
export interface Rooms {
  readonly rights: RoomRights;
  readonly tickets: Tickets;
  readonly authz: RoomAuthz | undefined;
  stop(): void;
}

/** @throws InvalidSettings where a file cannot be used */
export function createRooms({ settings, files, clock, logger, metrics }: RoomsInit): Rooms {
  const { TICKET_SECRET_FILE, AUTHZ_TOKEN_FILE } = settings;
  const secrets =
    TICKET_SECRET_FILE === undefined
      ? undefined
      : files.open({
          name: "ticket_secrets",
          paths: { TICKET_SECRET_FILE },
          parse: readSecretLines,
        });
  const bearer =
    AUTHZ_TOKEN_FILE === undefined
      ? undefined
      : files.open({ name: "authz_token", paths: { AUTHZ_TOKEN_FILE }, parse: readBearerToken });
  const tickets = new Tickets({
    secrets: () => secrets?.value ?? [],
    lifeMs: settings.TICKET_SECONDS * 1000,
    maxRecalled: settings.MAX_RECALLED_TICKETS,
    clock,
  });
  const authz =
    settings.AUTHZ_URL === undefined
      ? undefined
      : new RoomAuthz({
          request: authzRequest(settings.AUTHZ_URL, () => bearer?.value),
          timeoutMs: settings.AUTHZ_TIMEOUT_MS,
          maxRequests: settings.AUTHZ_MAX_REQUESTS,
          cache: {
            allowMs: settings.AUTHZ_CACHE_SECONDS * 1000,
            denyMs: settings.AUTHZ_DENIAL_CACHE_SECONDS * 1000,
            maxEntries: settings.AUTHZ_CACHE_ENTRIES,
          },
          clock,
          logger,
          onResult: (result, ms) => {
            metrics.authzRequests.inc({ result });
            metrics.authzSeconds.observe(ms / 1000);
          },
          onCached: () => metrics.authzCached.inc(),
        });
  return {
    rights: new RoomRights({ open: settings.AUTH_MODE === "none", tickets, authz }),
    tickets,
    authz,
    stop: () => authz?.stop(),
  };
}
