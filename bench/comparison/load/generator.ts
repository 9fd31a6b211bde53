import { Histogram, Sequence } from "@pushcast/cli/measuring";
import { answerParent } from "../../../test/support/child.ts";
import { DIALECTS } from "./dialects.ts";
import { LoadClient } from "./load-client.ts";
import type { GeneratorReport, GeneratorRequest, OpenClients } from "./messages.ts";

const OPENED_AT_ONCE = 100;

let rooms: LoadClient[][] = [];
let latencies = new Histogram();

async function open({ targets, roomIds, members, dialect }: OpenClients): Promise<number> {
  rooms = roomIds.map((room, r) =>
    Array.from({ length: members }, (_, m) => {
      const number = r * members + m;
      const { host, port } = targets[number % targets.length] ?? { host: "", port: 0 };
      return new LoadClient({ host, port, dialect: DIALECTS[dialect], room, number }, latencies);
    }),
  );
  const clients = rooms.flat();
  for (let from = 0; from < clients.length; from += OPENED_AT_ONCE) {
    await Promise.all(clients.slice(from, from + OPENED_AT_ONCE).map((client) => client.open()));
  }
  return clients.length;
}

/** From here on it is measured; each room's next number is given. */
function begin(from: readonly number[]): number {
  latencies = new Histogram();
  for (const [r, members] of rooms.entries()) {
    for (const client of members) {
      client.sequence = new Sequence(from[r] ?? 0);
      client.latencies = latencies;
      client.receivedBytes = 0;
    }
  }
  return 0;
}

function sumOf(read: (client: LoadClient) => number): number {
  return rooms.flat().reduce((total, client) => total + read(client), 0);
}

/** @param through for each room, one above the number of the last push */
function report(through: readonly number[]): GeneratorReport {
  const notYet = rooms.map((members, r) =>
    members.reduce((total, { sequence }) => total + (through[r] ?? 0) - sequence.next, 0),
  );
  return {
    deliveries: sumOf(({ sequence }) => sequence.received),
    lost: sumOf(({ sequence }) => sequence.lost),
    repeated: sumOf(({ sequence }) => sequence.repeated),
    outOfOrder: sumOf(({ sequence }) => sequence.outOfOrder),
    undelivered: notYet.reduce((total, count) => total + count, 0),
    closed: sumOf(({ isClosed }) => (isClosed ? 1 : 0)),
    receivedBytes: sumOf(({ receivedBytes }) => receivedBytes),
    p50Ms: latencies.quantile(0.5) / 1000,
    p99Ms: latencies.quantile(0.99) / 1000,
    maxMs: latencies.max / 1000,
  };
}

answerParent<GeneratorRequest>(async (request) => {
  switch (request.type) {
    case "open":
      return await open(request);
    case "begin":
      return begin(request.from);
    case "count":
      return sumOf(({ sequence }) => sequence.received);
    case "report":
      return report(request.through);
  }
});
