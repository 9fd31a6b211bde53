import type { FuzzTarget } from "./fuzz-target.ts";
import { clientFrames } from "./targets/client-frames.ts";
import { grpcBodies } from "./targets/grpc-bodies.ts";
import { registryValues } from "./targets/registry-values.ts";
import { settings } from "./targets/settings.ts";
import { upgrades } from "./targets/upgrades.ts";
import { websocketBytes } from "./targets/websocket-bytes.ts";

/** Those that open no socket take most inputs, as they take them hundreds of times as fast. */
export const TARGETS: readonly FuzzTarget[] = [
  clientFrames("json", 0.42),
  clientFrames("proto", 0.42),
  settings,
  websocketBytes,
  upgrades,
  grpcBodies,
  registryValues,
];
