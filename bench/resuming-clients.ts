import { answerParent } from "../test/support/child.ts";
import { ResumingClient } from "../test/support/resuming-client.ts";
import type { ResumingReport, ResumingRequest } from "./messages.ts";

const OPENED_AT_ONCE = 50;

let clients: ResumingClient[] = [];

/** All of them, so many at once, each one as soon as another is done. */
async function openAll(): Promise<void> {
  const waiting = clients.values();
  const openNext = async () => {
    for (const client of waiting) await client.connect(false, 0);
  };
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, openNext));
}

/** For each client after how many milliseconds it was back and had what it missed. */
async function resumeAll(pushed: number): Promise<Float64Array> {
  const startedAtMs = performance.now();
  const back = clients.map(async (client) => {
    await client.connect(true, pushed);
    return performance.now() - startedAtMs;
  });
  return Float64Array.from(await Promise.all(back));
}

function report(pushed: ReadonlyMap<string, number>): ResumingReport {
  const subscriptions = clients.flatMap((client) => [...client.subscriptions]);
  const count = <Item>(items: readonly Item[], of: (item: Item) => number) =>
    items.reduce((total, item) => total + of(item), 0);
  return {
    recovered: count(subscriptions, ([, { recovered }]) => Number(recovered === true)),
    notRecovered: count(subscriptions, ([, { recovered }]) => Number(recovered !== true)),
    losses: count(subscriptions, ([id, { received }]) => (pushed.get(id) ?? 0) - received),
    repeats: count(subscriptions, ([, { repeats }]) => repeats),
    gaps: count(clients, ({ gaps }) => gaps),
    refusals: count(clients, ({ refusals }) => refusals),
    lostConnections: count(clients, ({ lostConnections }) => lostConnections),
  };
}

answerParent<ResumingRequest>(async (request) => {
  switch (request.type) {
    case "open":
      clients = request.clients.map(
        ({ url, userId, roomIds }) => new ResumingClient(url, userId, roomIds),
      );
      await openAll();
      return clients.length;
    case "cut":
      for (const client of clients) client.cut();
      return clients.length;
    case "resume":
      return await resumeAll(request.pushed);
    case "report":
      return report(request.pushed);
  }
});
