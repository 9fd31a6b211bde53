import type { Gap, Message, Room } from "@pushcast/client";
import { useContext, useEffect, useRef } from "react";
import { PushcastContext } from "./use-pushcast.ts";

export interface RoomListener {
  readonly onMessage: (message: Message) => void;
  /** Messages may be missing: load the room's state anew. */
  readonly onGap: (gap: Gap) => void;
  /** The room cannot be joined, or the biz-server took the user out of it. */
  readonly onEnd?: (room: Room) => void;
}

/** Is in a room for as long as the component is there. Two components may be in the same room. */
export function useRoom(name: string, listener: RoomListener): void {
  const client = useContext(PushcastContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => {
    if (client === undefined) return;
    const room = client.room(name);
    const stops = [
      room.on("message", (message) => latest.current.onMessage(message)),
      room.on("gap", (gap) => latest.current.onGap(gap)),
      room.on("state", ({ state }) => {
        if (state === "refused" || state === "left") latest.current.onEnd?.(room);
      }),
    ];
    const users = inUse.get(room) ?? 0;
    inUse.set(room, users + 1);
    return () => {
      for (const stop of stops) stop();
      const others = (inUse.get(room) ?? 1) - 1;
      inUse.set(room, others);
      if (others === 0) room.leave();
    };
  }, [client, name]);
}

/** How many components are in a room. */
const inUse = new WeakMap<Room, number>();
