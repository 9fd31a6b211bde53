import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { addCounts, checkHistory, type KnownPush, KnownPushes, noDeliveries } from "@pushcast/log";
import { answerParent } from "../support/child.ts";
import { pick, seededRandom } from "../support/random.ts";
import type {
  ResumersPlan,
  ResumersReply,
  ResumersReport,
  ResumersRequest,
} from "./resume-types.ts";
import { Resumer } from "./resumer.ts";
import { withSeen } from "./with-seen.ts";

const MAX_FAULTS = 20;
/** Between two acts of one client, at most. */
const PAUSES_WITHIN_MS = 100;

let urls: readonly string[] = [];
let resumers: readonly Resumer[] = [];
let work: readonly Promise<void>[] = [];
let isCalm = false;
let answered = 0;

answerParent<ResumersRequest>(async (request): Promise<ResumersReply> => {
  switch (request.type) {
    case "begin":
      await begin(request.plan);
      return "done";
    case "urls":
      urls = request.urls;
      return "done";
    case "count":
      return answered;
    case "calm":
      isCalm = true;
      await Promise.all(work);
      await Promise.all(resumers.map((resumer) => resumer.becomeLive()));
      return "done";
    case "judge":
      return await judge(request.pushes);
  }
});

async function begin(plan: ResumersPlan): Promise<void> {
  urls = plan.urls;
  const random = seededRandom(plan.seed);
  resumers = plan.users.map(
    (userId) =>
      new Resumer({
        userId,
        rooms: plan.rooms,
        url: () => pick(urls, random),
        random,
        goesBackMs: plan.goesBackMs,
        onAnswered: () => {
          answered += 1;
        },
      }),
  );
  await Promise.all(resumers.map((resumer) => resumer.becomeLive()));
  work = resumers.map((resumer) => actAgainAndAgain(resumer, random));
}

async function actAgainAndAgain(resumer: Resumer, random: () => number): Promise<void> {
  while (!isCalm) {
    await sleep(random() * PAUSES_WITHIN_MS);
    await resumer.becomeLive();
    await resumer.act();
  }
}

async function judge(pushes: readonly KnownPush[]): Promise<ResumersReport> {
  const subscriptions = resumers.flatMap((resumer) => resumer.subscriptions);
  const histories = subscriptions.flatMap((subscription) => subscription.histories());
  const known = new KnownPushes(withSeen(pushes, histories));
  const counts = noDeliveries();
  const faults = [...resumers, ...subscriptions].flatMap((told) => told.faults);
  for (const [index, history] of histories.entries()) {
    const verdict = checkHistory(history, known);
    addCounts(counts, verdict.counts);
    faults.push(...verdict.faults.slice(0, MAX_FAULTS));
    // The clients go on meanwhile.
    if (index % 100 === 0) await turn();
  }
  return { histories: histories.length, counts, faults: faults.slice(0, MAX_FAULTS) };
}
