import { useState } from "react";
import { usePushcastState } from "./use-pushcast.ts";
import { useRoom } from "./use-room.ts";

/** The captions of a room, as they come; `load` gets those from before. */
export function Captions({
  room,
  load,
}: {
  readonly room: string;
  readonly load: () => Promise<readonly string[]>;
}) {
  const { state } = usePushcastState();
  const [lines, setLines] = useState<readonly string[]>([]);
  useRoom(room, {
    onMessage: ({ content }) => setLines((before) => [...before, String(content)]),
    onGap: () => void load().then(setLines),
  });
  return (
    <section aria-label={room}>
      <p role="status">{state}</p>
      <ol>
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added at the end
          <li key={index}>{line}</li>
        ))}
      </ol>
    </section>
  );
}
