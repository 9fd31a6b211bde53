/**
 * `npm run chaos`: a cluster of processes under steady pushes, and one fault after another, chosen by
 * a seed. After each the histories of all clients are checked.
 */
import { parseArgs } from "node:util";
import type { DeliveryCounts } from "@pushcast/log";
import { pick, seededRandom } from "../support/random.ts";
import { type ChaosRow, chaosTable, isViolated, sumOfRows } from "./chaos-table.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { type Outcome, outcome, type Play, Scene } from "./scene.ts";

const USAGE = `npm run chaos -- [flags]
  --seconds 180   no fault begins after so long
  --seed <n>      of the faults, their order, their times and lengths; a random one if none is given
  --nodes 4       connect-node processes
  --managers 2    push-manager processes
  --clients 200   each in one room
  --rooms 40
  --rate 100      pushes a second
  --window 30     LOG_SECONDS: how long a publication is kept, and half of how long a dead epoch is known`;

/** One of so many faults comes with a second one. */
const EVERY_DOUBLE = 4;

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  readonly managers: number;
  readonly clients: number;
  readonly rooms: number;
  readonly rate: number;
  readonly window: number;
}

const options = readFlags();
// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
console.log(`seed ${options.seed}`);
const rows = await run(options);
console.log(`\n${chaosTable(sumsByName(rows))}`);
if (rows.some(isViolated)) {
  console.log(`\nviolated; again with --seed ${options.seed}`);
  process.exitCode = 1;
}

function readFlags(): Options {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "180" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      nodes: { type: "string", default: "4" },
      managers: { type: "string", default: "2" },
      clients: { type: "string", default: "200" },
      rooms: { type: "string", default: "40" },
      rate: { type: "string", default: "100" },
      window: { type: "string", default: "30" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  const whole = (flag: Exclude<keyof typeof values, "help">, least: number) => {
    const value = Number(values[flag]);
    if (Number.isSafeInteger(value) && value >= least) return value;
    console.error(`--${flag} must be a whole number, at least ${least}\n${USAGE}`);
    process.exit(2);
  };
  return {
    seconds: whole("seconds", 1),
    seed: whole("seed", 0),
    nodes: whole("nodes", 2),
    managers: whole("managers", 2),
    clients: whole("clients", 1),
    rooms: whole("rooms", 1),
    rate: whole("rate", 1),
    window: whole("window", 1),
  };
}

/** A row for each fault, or for each two at once. */
async function run(options: Options): Promise<ChaosRow[]> {
  const { seconds, seed, nodes, managers, clients, rooms, rate, window } = options;
  const scene = await Scene.start({
    nodes,
    managers,
    logSeconds: window,
    lagSeconds: 2,
    nodeSettings: { REATTACH_SECONDS: 1, DRAIN_SECONDS: 2 },
  });
  const rows: ChaosRow[] = [];
  let play: Play | undefined;
  try {
    const crowd = { clients, rooms, pushesPerSecond: rate, everyBroadcast: 100, seed };
    play = await scene.begin(crowd);
    const random = seededRandom(seed);
    const startedAtMs = performance.now();
    let before = await outcome(play);
    for (const faults of schedule(random)) {
      const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
      if (elapsedSeconds >= seconds) break;
      play.publisher.resume();
      await happen(play, faults, random, rate);
      const after = await outcome(play);
      const name = faults.length === 1 ? (faults[0]?.name ?? "") : "two of them at once";
      const row = rowBetween(name, before, after);
      rows.push(row);
      const what = faults.map((fault) => fault.name).join(" + ");
      console.log(`${elapsedSeconds.toFixed(0).padStart(4)} s  ${what}: ${verdict(row)}`);
      if (isViolated(row)) for (const fault of after.report.faults) console.log(fault);
      before = after;
    }
  } finally {
    play?.publisher.abandon();
    await scene.close();
  }
  return rows;
}

function sumsByName(rows: readonly ChaosRow[]): ChaosRow[] {
  const names = [...new Set(rows.map(({ name }) => name))].sort();
  return names.map((name) =>
    sumOfRows(
      name,
      rows.filter((row) => row.name === name),
    ),
  );
}

/** Every fault comes before any comes again. */
function* schedule(random: () => number): Generator<readonly Fault[], never> {
  for (let count = 1; ; ) {
    const deck = [...FAULTS];
    while (deck.length > 0) {
      const fault = pick(deck, random);
      deck.splice(deck.indexOf(fault), 1);
      yield [fault];
      if (count % EVERY_DOUBLE === 0) {
        const others = FAULTS.filter(({ part }) => part !== fault.part);
        yield [fault, pick(others, random)];
      }
      count += 1;
    }
  }
}

async function happen(
  play: Play,
  faults: readonly Fault[],
  random: () => number,
  rate: number,
): Promise<void> {
  const pushesFor = (leastSeconds: number, mostSeconds: number) =>
    Math.ceil(rate * (leastSeconds + random() * (mostSeconds - leastSeconds)));
  // All is chosen here, in order, so that the schedule is the same whatever takes how long.
  const plans = faults.map((fault) => ({
    fault,
    after: pushesFor(0.2, 1.5),
    lasts: pushesFor(0.5, 5),
    random: seededRandom(Math.floor(random() * 2 ** 32)),
  }));
  await Promise.all(
    plans.map(async ({ fault, after, lasts, random }) => {
      await play.publisher.more(after);
      await fault.happen(play, random, lasts);
    }),
  );
  await play.publisher.more(rate);
}

function verdict(row: ChaosRow): string {
  const { pushes, counts } = row;
  const { deliveries, gaps } = counts;
  return `${isViolated(row) ? "VIOLATED" : "well"}, ${pushes} pushes, ${deliveries} deliveries, ${gaps} gaps`;
}

function rowBetween(name: string, before: Outcome, after: Outcome): ChaosRow {
  const counts = { ...after.report.counts };
  for (const key of Object.keys(counts) as (keyof DeliveryCounts)[]) {
    counts[key] -= before.report.counts[key];
  }
  return {
    name,
    times: 1,
    pushes: after.pushes - before.pushes,
    retries: after.retries - before.retries,
    notLive: after.report.clients - after.report.live,
    warnings: after.report.warnings - before.report.warnings,
    counts,
  };
}
