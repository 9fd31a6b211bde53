import type { ConnectOptions } from "@pushcast/client";
import { Captions } from "./captions.tsx";
import { PushcastContext, usePushcast } from "./use-pushcast.ts";

/** One connection for the whole app, and two components in rooms. */
export function App({
  options,
  rooms,
  load,
}: {
  readonly options: Omit<ConnectOptions, "onGap">;
  readonly rooms: readonly string[];
  readonly load: (room: string) => Promise<readonly string[]>;
}) {
  // Each component loads its room's state itself; nothing here is the user's own.
  const client = usePushcast({ ...options, onGap: () => {} });
  return (
    <PushcastContext value={client}>
      {rooms.map((room) => (
        <Captions key={room} room={room} load={() => load(room)} />
      ))}
    </PushcastContext>
  );
}
