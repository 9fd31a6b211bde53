import { setTimeout as sleep } from "node:timers/promises";
import { answerParent } from "../../../test/support/child.ts";
import { monotonicMicros, writeContent } from "./content.ts";
import type { PublisherReply, PublisherReport, PublisherRequest } from "./messages.ts";
import { PUBLISHER_DIALECTS, type PublisherConnection } from "./publisher-dialects.ts";

let connection: PublisherConnection | undefined;
let through: number[] = [];
let pushed = 0;

async function push(pushes: number, rate: number | undefined): Promise<PublisherReport> {
  if (connection === undefined) throw new Error("push before open");
  const startedMs = performance.now();
  for (let sent = 0; sent < pushes; ) {
    const passedMs = performance.now() - startedMs;
    const due =
      rate === undefined ? pushes : Math.min(pushes, Math.floor((passedMs * rate) / 1000) + 1);
    for (; sent < due; sent += 1) pushNext(connection);
    connection.flush();
    if (rate !== undefined && sent < pushes) {
      await sleep(Math.max(1, (sent / rate) * 1000 - (performance.now() - startedMs)));
    }
  }
  const tookSeconds = (performance.now() - startedMs) / 1000;
  return { through, refused: await connection.settle(), tookSeconds };
}

function pushNext(to: PublisherConnection): void {
  const room = pushed % through.length;
  const n = through[room] ?? 0;
  to.publish(room, writeContent(n, monotonicMicros()));
  through[room] = n + 1;
  pushed += 1;
}

answerParent<PublisherRequest>(async (request): Promise<PublisherReply> => {
  if (request.type === "push") return await push(request.pushes, request.rate);
  const { target, roomIds, dialect } = request;
  connection = await PUBLISHER_DIALECTS[dialect](target, roomIds);
  through = roomIds.map(() => 0);
  pushed = 0;
  return "open";
});
