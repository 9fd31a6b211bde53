import { mosquitto, nats, nchan } from "./systems/daemons.ts";
import { socketIo, socketIoWithRedis, uwebsockets, wsLoop } from "./systems/node-peers.ts";
import { pushcast } from "./systems/pushcast.ts";
import type { System } from "./systems/system.ts";

const WINDOW_MS = 25;

/** In the order in which each round takes them. */
export const SYSTEMS: readonly System[] = [
  pushcast("pushcast", "the defaults: reliable delivery on, no window"),
  pushcast(`pushcast, ${WINDOW_MS} ms window`, `\`FLUSH_WINDOW_MS=${WINDOW_MS}\``, {
    nodeSettings: { FLUSH_WINDOW_MS: WINDOW_MS },
  }),
  uwebsockets,
  nats,
  nchan,
  mosquitto,
  socketIo,
  wsLoop,
];

/** With those that only `npm run bench:full` measures. */
export const ALL_SYSTEMS: readonly System[] = [...SYSTEMS, socketIoWithRedis];

/** In the order of the page. */
export function measuredSystems(names: readonly string[]): readonly System[] {
  return ALL_SYSTEMS.filter(({ name }) => names.includes(name));
}
