/** What traces cost: the same load with an earlier version, without traces, and with some and all pushes traced. */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startOtlpCollector } from "../../test/support/otlp-collector.ts";
import { measure } from "../comparison/measure.ts";
import { faultsOf, type Measured } from "../comparison/measurement.ts";
import { median } from "../comparison/median.ts";
import { pushcast } from "../comparison/systems/pushcast.ts";
import type { Workload } from "../comparison/workloads.ts";
import { machine, percent, table } from "../table.ts";

const USAGE = `npm run bench:traces -- [flags]
  --rounds 3         in each, every variant has its turn; every second round in the opposite order
  --before <folder>  another version, installed and built there, as a variant of its own`;

const RATE = 2_000;
const SECONDS = 20;
const WARM_UP_SECONDS = 10;

/**
 * Above it others had the cores: who comes to its turn late writes more at once, and pays less. Such runs count only
 * where there are no others.
 */
const MAX_P50_MS = 2;

/** Many publications for few sessions each: what is done once a publication shows more than elsewhere. */
const workload: Workload = {
  name: "100 rooms × 10, 2,000 msg/s",
  rooms: 100,
  members: 10,
  rate: RATE,
  pushes: RATE * SECONDS,
  warmUpPushes: RATE * WARM_UP_SECONDS,
};

const ALL_PUSHES = workload.pushes + workload.warmUpPushes;

interface Variant {
  readonly name: string;
  /** @default this one's */
  readonly root?: string;
  /** The share of pushes that are traced; undefined: traces are off. */
  readonly ratio?: number;
}

interface Run {
  readonly variant: Variant;
  readonly measured: Measured;
  readonly exportedSpans: number;
  readonly load: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    before: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
if (values.help) console.log(USAGE);
else await run(Number(values.rounds), values.before);

async function run(rounds: number, before: string | undefined): Promise<void> {
  const variants: readonly Variant[] = [
    ...(before === undefined ? [] : [{ name: "before", root: before }]),
    { name: "off" },
    { name: "1 %", ratio: 0.01 },
    { name: "100 %", ratio: 1 },
  ];
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      const run = await measureVariant(variant);
      console.error(line(run));
      if (faultsOf(run.measured) + run.measured.undelivered > 0) process.exitCode = 1;
      runs.push(run);
    }
  }
  console.log(`${resultsTable(variants, runs)}\n\n${workload.name}; ${machine()}`);
}

async function measureVariant(variant: Variant): Promise<Run> {
  const [load = Number.NaN] = loadavg();
  const collector = await startOtlpCollector();
  const { name, root, ratio } = variant;
  const traced =
    ratio === undefined
      ? {}
      : { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_TRACES_SAMPLER_ARG: ratio };
  try {
    const init = { nodeSettings: traced, managerSettings: traced, root };
    const measured = await measure(pushcast(name, "", init), workload);
    return { variant, measured, exportedSpans: collector.spans.length, load };
  } finally {
    await collector.close();
  }
}

function line({ variant, measured, exportedSpans, load }: Run): string {
  return [
    variant.name,
    `node ${measured.serverCpuMicrosPerDelivery.toFixed(2)} µs a delivery`,
    `manager ${measured.besideCpuMicrosPerPush?.toFixed(1)} µs a push`,
    `p50 ${measured.p50Ms.toFixed(2)}, p99 ${measured.p99Ms.toFixed(2)} ms`,
    `${exportedSpans} spans, ${faultsOf(measured)} faults`,
    `others ${percent(measured.othersCpu)}, load ${load.toFixed(1)}`,
  ].join(" · ");
}

function resultsTable(variants: readonly Variant[], runs: readonly Run[]): string {
  const rows: [string, (run: Run) => number, number][] = [
    ["node's CPU a delivery, µs", ({ measured }) => measured.serverCpuMicrosPerDelivery, 2],
    ["manager's CPU a push, µs", ({ measured }) => measured.besideCpuMicrosPerPush ?? NaN, 1],
    ["push → client, p50, ms", ({ measured }) => measured.p50Ms, 2],
    ["spans exported a push", ({ exportedSpans }) => exportedSpans / ALL_PUSHES, 2],
  ];
  const cell = (variant: Variant, read: (run: Run) => number, digits: number) => {
    const all = runs.filter((run) => run.variant === variant);
    const undisturbed = all.filter(({ measured }) => measured.p50Ms <= MAX_P50_MS);
    const own = (undisturbed.length > 0 ? undisturbed : all).map(read);
    const rounds = own.map((value) => value.toFixed(digits)).join(", ");
    return `${median(own).toFixed(digits)} (${rounds})`;
  };
  return table([
    ["median (rounds)", ...variants.map(({ name }) => name)],
    ...rows.map(([name, read, digits]) => [
      name,
      ...variants.map((variant) => cell(variant, read, digits)),
    ]),
  ]);
}
