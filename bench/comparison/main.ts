/** Every system under every workload in turn, round after round, and the page of what came out. */
import { parseArgs } from "node:util";
import { productCommit } from "../product-commit.ts";
import { machine } from "../table.ts";
import { measure } from "./measure.ts";
import type { Measurement } from "./measurement.ts";
import { writePage } from "./page.ts";
import { readResults, writeResults } from "./results.ts";
import type { System } from "./systems/system.ts";
import { ALL_SYSTEMS, SYSTEMS } from "./systems.ts";
import { RATE_SERIES, SIZE_SERIES, WORKLOADS, type Workload } from "./workloads.ts";

const USAGE = `npm run bench -- [flags]
  --full             also the workloads of the plots, and socket.io with Redis
  --rounds 3         of each workload; in each every system in turn
  --workload <text>  only those whose name has it, repeatable
  --system <text>    only those whose name begins with it, repeatable
  --keep             adds to the results that are there
  --page             measures nothing, writes docs/benchmarks.md anew from the results
The results are in bench/results/comparison.json. Peers are installed by bench/install-peers.sh.`;

const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    workload: { type: "string", multiple: true },
    system: { type: "string", multiple: true },
    keep: { type: "boolean", default: false },
    page: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
if (values.help) console.log(USAGE);
else await run();

async function run(): Promise<void> {
  const rounds = Number(values.rounds);
  if (!(rounds >= 1)) refuse("--rounds must be a number, at least 1");
  const known = values.full ? [...WORKLOADS, ...RATE_SERIES, ...SIZE_SERIES] : WORKLOADS;
  const workloads = known.filter(({ name }) =>
    isChosen(values.workload, (text) => name.includes(text)),
  );
  const systems = (values.full ? ALL_SYSTEMS : SYSTEMS).filter(({ name }) =>
    isChosen(values.system, (text) => name.startsWith(text)),
  );
  if (workloads.length === 0) refuse("no such workload");
  if (systems.length === 0) refuse("no such system");
  if (!values.page) await measureAll(systems, workloads, rounds);
  const results = readResults();
  if (results === undefined) refuse("there are no results");
  writePage(results);
}

async function measureAll(
  systems: readonly System[],
  workloads: readonly Workload[],
  rounds: number,
): Promise<void> {
  const before = values.keep ? readResults() : undefined;
  const versions = Object.fromEntries(systems.map((system) => [system.name, versionOf(system)]));
  const measurements = [...(before?.measurements ?? [])];
  for (let round = 1; round <= rounds; round += 1) {
    for (const workload of workloads) {
      for (const system of systems) {
        const measured = await tryToMeasure(
          system,
          workload,
          nextRound(measurements, system, workload),
        );
        if (measured === undefined) continue;
        measurements.push(measured);
        writeResults({
          machine: machine(),
          commit: productCommit(),
          versions: { ...before?.versions, ...versions },
          measurements,
        });
      }
    }
  }
}

/** One system that cannot be measured leaves the others theirs. */
async function tryToMeasure(
  system: System,
  workload: Workload,
  round: number,
): Promise<Measurement | undefined> {
  try {
    const measured = await measure(system, workload, round);
    console.error(line(measured));
    if (isOurs(system) && !isFaultless(measured)) process.exitCode = 1;
    return measured;
  } catch (error) {
    console.error(`${workload.name} · ${system.name} could not be measured:`, error);
    process.exitCode = 1;
    return undefined;
  }
}

function isOurs({ dialect }: System): boolean {
  return dialect === "pushcast";
}

function isFaultless({ lost, repeated, outOfOrder, refused, closed }: Measurement): boolean {
  return lost + repeated + outOfOrder + refused + closed === 0;
}

function versionOf(system: System): string {
  try {
    return system.version();
  } catch (error) {
    throw new Error(`${system.name} is not installed: run bench/install-peers.sh`, {
      cause: error,
    });
  }
}

function nextRound(
  measurements: readonly Measurement[],
  system: System,
  workload: Workload,
): number {
  return (
    1 +
    measurements.filter((one) => one.system === system.name && one.workload === workload.name)
      .length
  );
}

function line(one: Measurement): string {
  return [
    one.workload,
    one.system,
    `${one.serverCpuMicrosPerDelivery.toFixed(2)} µs a delivery`,
    `p50 ${one.p50Ms.toFixed(1)} ms, p99 ${one.p99Ms.toFixed(1)} ms`,
    `${Math.round(one.deliveriesPerSecond)} deliveries/s`,
    `${one.lost} lost, ${one.repeated} repeated, ${one.outOfOrder} out of order, ${one.undelivered} undelivered, ${one.refused} refused, ${one.closed} closed`,
    `cores: server ${one.serverCpu.toFixed(2)}, others on its core ${one.othersCpu.toFixed(2)}, clients ${one.generatorCpu.toFixed(2)}, publisher ${one.publisherCpu.toFixed(2)}`,
    `${Math.round(one.peakBytes / 2 ** 20)} MiB`,
    `load ${one.loadBefore.toFixed(1)}`,
  ].join(" · ");
}

function isChosen(
  texts: readonly string[] | undefined,
  matches: (text: string) => boolean,
): boolean {
  return texts === undefined || texts.some(matches);
}

function refuse(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}
