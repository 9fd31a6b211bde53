import type { Clock, FileFollower, Logger, TransportCounters } from "@pushcast/runtime";
import type { PushManagerMetrics } from "../metrics.ts";
import type { PushManagerSettings } from "../settings.ts";
import { parseCallers } from "./callers-file.ts";
import { CONSOLE, PushAccess } from "./push-access.ts";

export interface OpenPushAccessInit {
  readonly settings: PushManagerSettings;
  readonly files: FileFollower;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: PushManagerMetrics;
  readonly transport: TransportCounters;
}

/**
 * What the settings say of who may push.
 * @returns undefined where everybody may
 * @throws InvalidSettings
 */
export function openPushAccess(init: OpenPushAccessInit): PushAccess | undefined {
  const { settings, files, clock, logger, metrics, transport } = init;
  const { PUSH_AUTH, PUSH_TOKENS_FILE } = settings;
  if (PUSH_AUTH === "none") {
    if (settings.NODE_ENV === "production") {
      logger.warn("PUSH_AUTH=none: whoever reaches the gRPC port may push to everybody");
    }
    return undefined;
  }
  if (PUSH_AUTH === "token" && settings.GRPC_TLS_CERT_FILE === undefined) {
    logger.warn("PUSH_AUTH=token without GRPC_TLS_CERT_FILE: tokens come in plain text");
  }
  const opened = files.open({
    name: "push_tokens",
    paths: { PUSH_TOKENS_FILE: PUSH_TOKENS_FILE ?? "" },
    parse: parseCallers,
    onLoaded: ({ entries }) => {
      const names = entries.map(({ name }) => name);
      metrics.callersAre(
        settings.CONSOLE === "on" ? [...new Set([...names, CONSOLE.name])] : names,
      );
    },
  });
  return new PushAccess({
    mode: PUSH_AUTH,
    callers: () => opened.value,
    clock,
    onJudged: (name, outcome) => metrics.judged(name, outcome),
    onStranger: (code) => transport.callRefused(code),
  });
}
