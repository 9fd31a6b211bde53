import { setImmediate as turn } from "node:timers/promises";
import { type Client, connect } from "@pushcast/client";
import { addCounts, checkHistory, type KnownPush, KnownPushes, noDeliveries } from "@pushcast/log";
import { answerParent } from "../support/child.ts";
import { pick, seededRandom } from "../support/random.ts";
import { until } from "../support/until.ts";
import type { FleetReport, FleetRequest, NodeConnects, PlannedClient } from "./fleet-types.ts";
import { Recorder } from "./recorder.ts";
import { withSeen } from "./with-seen.ts";

/** Clients that connect at once when the fleet is opened. */
const OPENING = 50;
/** Of a wave: a bound on a hang. */
const OPEN_WITHIN_MS = 60_000;
/** Histories that are checked in one turn of the event loop. */
const CHECK_SLICE = 100;
const MAX_FAULTS = 20;
const MIN_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;

interface Member {
  readonly client: Client;
  readonly recorder: Recorder;
}

let urls: readonly string[] = [];
let random = seededRandom(0);
let members: Member[] = [];
let pushes: readonly KnownPush[] = [];
let warnings: string[] = [];
/** Times of new connections, by the node's address. */
let connects = new Map<string, number[]>();

answerParent<FleetRequest>(async (request): Promise<FleetReport | "done"> => {
  switch (request.type) {
    case "open":
      urls = request.urls;
      random = seededRandom(request.seed);
      await open(request.clients);
      return "done";
    case "urls":
      urls = request.urls;
      return "done";
    case "cut":
      for (const { recorder } of members) if (random() < request.share) recorder.cut();
      return "done";
    case "pushes":
      pushes = request.pushes;
      return "done";
    case "check":
      return await report();
  }
});

async function open(planned: readonly PlannedClient[]): Promise<void> {
  for (const { client } of members) client.close();
  members = [];
  pushes = [];
  warnings = [];
  connects = new Map();
  for (let from = 0; from < planned.length; from += OPENING) {
    const wave = planned.slice(from, from + OPENING).map(start);
    members.push(...wave);
    await until("a wave of clients is live", () => wave.every(isLive), OPEN_WITHIN_MS);
  }
  connects = new Map();
}

function start({ userId, rooms }: PlannedClient): Member {
  const recorder = new Recorder(userId, (url) => {
    const { origin, pathname } = new URL(url);
    const times = connects.get(origin + pathname) ?? [];
    times.push(performance.now());
    connects.set(origin + pathname, times);
  });
  const client = connect({
    url: () => pick(urls, random),
    userId,
    WebSocket: recorder.WebSocket,
    minDelayMs: MIN_DELAY_MS,
    maxDelayMs: MAX_DELAY_MS,
    random,
    // The recorder is told by each room.
    onGap: () => {},
    onWarning: ({ code, message }) => {
      if (code !== "CONNECT_FAILED") warnings.push(`${userId}: ${code}: ${message}`);
    },
  });
  recorder.listen(client, rooms);
  return { client, recorder };
}

function isLive({ client }: Member): boolean {
  return client.state.state === "open";
}

async function report(): Promise<FleetReport> {
  const histories = members.flatMap(({ recorder }) => recorder.histories());
  const known = new KnownPushes(withSeen(pushes, histories));
  const counts = noDeliveries();
  const faults: string[] = [...warnings];
  const usersWithGaps = new Set<string>();
  for (const [index, { recorder }] of members.entries()) {
    counts.misdirected += recorder.strays.length;
    faults.push(...recorder.strays.slice(0, MAX_FAULTS));
    for (const history of recorder.histories()) {
      const verdict = checkHistory(history, known);
      addCounts(counts, verdict.counts);
      faults.push(...verdict.faults.slice(0, MAX_FAULTS));
      if (verdict.counts.gaps > 0) usersWithGaps.add(recorder.userId);
    }
    // The clients go on meanwhile.
    if (index % CHECK_SLICE === 0) await turn();
  }
  return {
    clients: members.length,
    live: members.filter(isLive).length,
    counts,
    faults: faults.slice(0, MAX_FAULTS),
    warnings: warnings.length,
    connects: Array.from(connects, ([url, times]) => nodeConnects(url, times)),
    usersWithGaps: [...usersWithGaps],
  };
}

function nodeConnects(url: string, times: readonly number[]): NodeConnects {
  let peakASecond = 0;
  let from = 0;
  for (const [index, time] of times.entries()) {
    while ((times[from] ?? time) <= time - 1000) from += 1;
    peakASecond = Math.max(peakASecond, index - from + 1);
  }
  return { url, total: times.length, peakASecond };
}
