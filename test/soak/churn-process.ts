import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import {
  addCounts,
  checkHistory,
  type DeliveryCounts,
  type KnownPush,
  KnownPushes,
  noDeliveries,
} from "@pushcast/log";
import { answerParent } from "../support/child.ts";
import { pick, seededRandom } from "../support/random.ts";
import type { ChurnPlan, ChurnReport, ChurnRequest, Move } from "./churn-types.ts";
import { Visitor } from "./visitor.ts";

const LIVE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;
const MAX_FAULTS = 20;
/** The users' first clients come over this time. */
const ARRIVE_WITHIN_MS = 20_000;
/** A user without a client has one again within this time. */
const RETURNS_WITHIN_MS = 5_000;
/** Between two moves of a client, at most. */
const MOVES_WITHIN_MS = 20_000;
const STALLS_WITHIN_MS = 60_000;
const MOVES: readonly Move[] = ["rooms", "resume", "stall"];

/** Pushes that came to be known at once. */
interface PushesOfATime {
  /** None of them began later. */
  readonly knownAtMs: number;
  readonly pushes: readonly KnownPush[];
}

let urls: readonly string[] = [];
let random = seededRandom(0);
let lateMs = 0;
const calmed = new AbortController();
// Every user waits.
setMaxListeners(0, calmed.signal);
let users: Promise<void>[] = [];
const present = new Set<Visitor>();
/** Those that are gone, until every push of their time is known. */
let gone: Visitor[] = [];
let known: PushesOfATime[] = [];
let clients = 0;
const moves: Record<Move, number> = { rooms: 0, resume: 0, stall: 0 };
const judged: DeliveryCounts = noDeliveries();
const faults: string[] = [];

answerParent<ChurnRequest>(async (request): Promise<ChurnReport | "done"> => {
  switch (request.type) {
    case "begin":
      ({ urls, lateMs } = request.plan);
      random = seededRandom(request.plan.seed);
      users = request.plan.users.map((userId) => comeAndGo(userId, request.plan));
      return "done";
    case "urls":
      urls = request.urls;
      return "done";
    case "pushes":
      known.push({ knownAtMs: Date.now(), pushes: request.pushes });
      judgeGone(request.beforeMs);
      return "done";
    case "calm":
      calmed.abort();
      await Promise.all(users);
      await untilLive();
      return "done";
    case "report":
      return report();
  }
});

/** One client after another, of one user. */
async function comeAndGo(userId: string, { rooms, staysMs }: ChurnPlan): Promise<void> {
  await pause(random() * ARRIVE_WITHIN_MS);
  while (!calmed.signal.aborted) {
    const visitor = new Visitor({ userId, rooms, url: () => pick(urls, random), random });
    present.add(visitor);
    // One that does not read hears of it late, perhaps when all is calm.
    void visitor.sentAway.then(() => leave(visitor));
    clients += 1;
    const leavesAtMs = Date.now() + staysMs * (0.25 + 1.5 * random());
    while (!visitor.isSentAway && Date.now() < leavesAtMs && !calmed.signal.aborted) {
      const leftMs = leavesAtMs - Date.now();
      await Promise.race([pause(Math.min(leftMs, random() * MOVES_WITHIN_MS)), visitor.sentAway]);
      await move(visitor);
    }
    if (calmed.signal.aborted && !visitor.isSentAway) return;
    leave(visitor);
    await pause(random() * RETURNS_WITHIN_MS);
  }
}

function leave(visitor: Visitor): void {
  if (!present.delete(visitor)) return;
  visitor.go();
  gone.push(visitor);
}

async function move(visitor: Visitor): Promise<void> {
  if (calmed.signal.aborted || !isLive(visitor)) return;
  const what = pick(MOVES, random);
  moves[what] += 1;
  switch (what) {
    case "rooms":
      visitor.changeRoom();
      break;
    case "resume":
      visitor.recorder.cut();
      break;
    case "stall": {
      const readAgain = visitor.recorder.stall();
      await pause(random() * STALLS_WITHIN_MS);
      readAgain();
      break;
    }
  }
}

/** Ends at once when calm is asked for. */
async function pause(ms: number): Promise<void> {
  await sleep(ms, undefined, { signal: calmed.signal }).catch(() => {});
}

/** Those that never are live are told in the report. */
async function untilLive(): Promise<void> {
  const givesUpAtMs = performance.now() + LIVE_WITHIN_MS;
  while (notLive().length > 0 && performance.now() < givesUpAtMs) await sleep(LOOK_EVERY_MS);
}

/** Beside those that the biz-server has sent away. */
function notLive(): Visitor[] {
  return [...present].filter((visitor) => !isLive(visitor) && !visitor.isSentAway);
}

function isLive({ client }: Visitor): boolean {
  return client.state.state === "open";
}

function judgeGone(beforeMs: number): void {
  const due = gone.filter((visitor) => visitor.goneAtMs < beforeMs);
  gone = gone.filter((visitor) => visitor.goneAtMs >= beforeMs);
  judge(due, judged, faults);
  const oldestMs = Math.min(...[...present, ...gone].map(({ cameAtMs }) => cameAtMs));
  known = known.filter((chunk) => chunk.knownAtMs >= oldestMs - lateMs);
}

function judge(visitors: readonly Visitor[], counts: DeliveryCounts, words: string[]): void {
  const pushes = new KnownPushes(known.flatMap((chunk) => chunk.pushes));
  for (const { recorder, warnings } of visitors) {
    words.push(...warnings);
    for (const history of recorder.histories()) {
      const verdict = checkHistory(history, pushes);
      addCounts(counts, verdict.counts);
      words.push(...verdict.faults);
    }
  }
  words.splice(MAX_FAULTS);
}

function report(): ChurnReport {
  const counts = { ...judged };
  const words = [...faults];
  judge([...gone, ...present], counts, words);
  for (const { client, recorder } of calmed.signal.aborted ? notLive() : []) {
    words.push(`${recorder.userId}: not live: ${JSON.stringify(client.state)}`);
  }
  return { clients, moves, counts, faults: words };
}
