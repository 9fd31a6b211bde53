import { setTimeout as sleep } from "node:timers/promises";
import { answerParent } from "../../test/support/child.ts";
import { monotonicMicros, writeContent } from "../comparison/load/content.ts";
import { PUBLISHER_DIALECTS } from "../comparison/load/publisher-dialects.ts";
import type { PublisherReply, PublisherReport, PublisherRequest } from "./messages.ts";
import type { Load } from "./plans.ts";
import { RoomTurns } from "./room-turns.ts";

type Connection = Awaited<ReturnType<typeof PUBLISHER_DIALECTS.pushcast>>;

let connections: Connection[] = [];
let turns = new RoomTurns(0);

async function push({ rate, seconds, contentBytes, memberShare }: Load): Promise<PublisherReport> {
  const pushes = Math.round(rate * seconds);
  const startedMs = performance.now();
  let groups = 0;
  for (let sent = 0; sent < pushes; ) {
    const passedMs = performance.now() - startedMs;
    const due = Math.min(pushes, Math.floor((passedMs * rate) / 1000) + 1);
    const used = new Set<Connection>();
    for (; sent < due; sent += 1) {
      const { room, n } = turns.next(memberShare);
      const connection = connections[room % connections.length];
      if (connection === undefined) throw new Error("push before open");
      connection.publish(room, writeContent(n, monotonicMicros()).padEnd(contentBytes, "x"));
      used.add(connection);
    }
    for (const connection of used) connection.flush();
    groups += used.size;
    if (sent < pushes) {
      await sleep(Math.max(1, (sent / rate) * 1000 - (performance.now() - startedMs)));
    }
  }
  const refused = await Promise.all(connections.map((connection) => connection.settle()));
  return {
    through: turns.through,
    pushes,
    groups,
    refused: refused.reduce((total, count) => total + count, 0),
  };
}

answerParent<PublisherRequest>(async (request): Promise<PublisherReply> => {
  if (request.type === "push") return await push(request);
  const { targets, roomIds } = request;
  turns = new RoomTurns(roomIds.length);
  const allIds = [...roomIds, ...roomIds.map((id) => `${id}-without-members`)];
  connections = await Promise.all(
    targets.map((target) => PUBLISHER_DIALECTS.pushcast(target, allIds)),
  );
  return "open";
});
