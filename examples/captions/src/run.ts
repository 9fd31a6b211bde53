import { BizServer } from "./biz-server.ts";
import { ChildError } from "./child.ts";
import { systemClock } from "./clock.ts";
import { Cluster } from "./cluster.ts";
import { EtcdMissingError } from "./etcd.ts";
import { ManagerClient } from "./manager-client.ts";
import { type Options, readOptions, USAGE, UsageError } from "./options.ts";
import { PageServer, PortTakenError } from "./page-server.ts";
import { loadTalk, roomOf, type Talk, TalkNotFoundError } from "./talk.ts";
import { WebVttError } from "./webvtt.ts";

const NODES = 2;
const CALL_DEADLINE_MS = 2_000;
const LINKED_WITHIN_MS = 20_000;
const READERS_WITHIN_MS = 20_000;
const POLL_MS = 200;

/** Their messages say all that the user needs. */
const PLAIN_ERRORS = [
  ChildError,
  EtcdMissingError,
  PortTakenError,
  TalkNotFoundError,
  UsageError,
  WebVttError,
];

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Runs the whole example. Resolves with the exit code. */
async function run(options: Options, signal: AbortSignal): Promise<number> {
  const talk = await loadTalk(options.talk);
  // First, so that nothing is started where its port is taken.
  const page = await PageServer.listen(options.port);
  const cluster = await Cluster.start(NODES, print);
  const manager = new ManagerClient(cluster.managerAddress, CALL_DEADLINE_MS);
  const bizServer = new BizServer({
    ...{ talk, manager, speed: options.speed, clock: systemClock, signal, print },
  });
  let failure: unknown;
  try {
    await untilLinked(manager, signal);
    const onReader = (userId: string, lang: string) => bizServer.welcome(userId, lang);
    page.serve({ talk, nodes: cluster.nodes, onReader });
    print(`\nThe captions are at ${page.url}\n`);
    await untilReaders(manager, talk, options.readers, signal);
    do await bizServer.giveTalk();
    while (options.loop);
    if (options.stay) {
      print("\nThe talk is over; Ctrl-C ends the rest.");
      await untilAborted(signal);
    }
  } catch (error) {
    // Ctrl-C is a good end.
    if (!signal.aborted) failure = error;
  }
  print("\nStopping …");
  await page.stop();
  manager.close();
  const stoppedWell = await cluster.stop();
  if (failure !== undefined) throw failure;
  const { pushes, retries, failed } = bizServer.summary;
  print(`Stopped. ${pushes} pushes, ${retries} retries, ${failed} given up.`);
  return stoppedWell && failed === 0 ? 0 : 1;
}

async function untilLinked(manager: ManagerClient, signal: AbortSignal): Promise<void> {
  const isLinked = async () => {
    const nodes = await manager.listNodes();
    return nodes.filter(({ state, link }) => state === "ready" && link === "live").length === NODES;
  };
  if (!(await poll(isLinked, LINKED_WITHIN_MS, signal))) {
    throw new ChildError(`the push-manager did not find ${NODES} nodes in etcd`);
  }
}

async function untilReaders(
  manager: ManagerClient,
  talk: Talk,
  readers: number,
  signal: AbortSignal,
): Promise<void> {
  if (readers === 0) return;
  print(`The talk begins when ${readers} ${readers === 1 ? "reads" : "read"}, or in 20 s.`);
  const rooms = talk.tracks.map(({ lang }) => roomOf(talk.id, lang));
  const areThere = async () => {
    const counts = await Promise.all(rooms.map((room) => manager.sessionsInRoom(room)));
    return counts.reduce((sum, count) => sum + count) >= readers;
  };
  await poll(areThere, READERS_WITHIN_MS, signal);
}

/** Asks until it is so. Resolves with whether it is. */
async function poll(
  condition: () => Promise<boolean>,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const givesUpAtMs = systemClock.monotonicMs() + withinMs;
  while (!(await condition())) {
    if (systemClock.monotonicMs() > givesUpAtMs) return false;
    await systemClock.sleep(POLL_MS, signal);
  }
  return true;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    print(USAGE);
    return 0;
  }
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // The second time, at once: the exit kills the children.
      if (interrupt.signal.aborted) process.exit(1);
      interrupt.abort();
    });
  }
  return await run(options, interrupt.signal);
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const isPlain = PLAIN_ERRORS.some((kind) => error instanceof kind);
    console.error(isPlain ? (error as Error).message : error);
    if (error instanceof UsageError) console.error(USAGE);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
