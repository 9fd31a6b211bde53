import { mkdirSync, writeFileSync } from "node:fs";
import { MIB, table } from "../table.ts";
import { GOALS, type Goal } from "./goals.ts";
import { type Figure, MAX_OTHERS_CPU, Rounds } from "./median.ts";
import { plotSvg } from "./plot.ts";
import { costPlot, latencyPlot } from "./plots.ts";
import type { Results } from "./results.ts";
import { measuredSystems } from "./systems.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const NOTHING = "–";
const DISTURBED = "†";

const INTRODUCTION = `# Benchmarks

<!-- Written by \`npm run bench\` from bench/results/comparison.json: do not edit. -->

Pushcast beside its peers, under the same load on the same machine. How the figures are made, and what
they do not say, is in [performance.md](performance.md#against-peers).`;

const EXPLANATION = `Each figure is the median of the rounds; in a round every system had its turn under each workload. A
round in which others took more than ${MAX_OTHERS_CPU * 100} % of the server's core counts only where there is no better
one, and then the figure has a ${DISTURBED}. The server has one core and the load the others. **CPU a delivery is what holds on a busy machine; treat 15 % as
nothing.** Latencies are from the publisher's write to the client's read, of what was delivered, and hold
only beside each other. *Undelivered* is what had not come when the measurement ended: that server was behind.`;

/** Writes `docs/benchmarks.md` and its plots. */
export function writePage(results: Results): void {
  const plots = [latencyPlot(results), costPlot(results)].filter(
    ({ plot }) => plot.lines.length > 0,
  );
  const sections = [
    INTRODUCTION,
    provenance(results),
    EXPLANATION,
    `## Server CPU a delivery, in µs\n\n${costTable(results)}`,
    `## Theirs ÷ ours\n\nIn brackets what it has to be; what is missed is bold.\n\n${goalTable(results)}`,
    ...plots.map(({ file, plot }) => `## ${plot.title}\n\n![${plot.title}](benchmarks/${file})`),
    ...WORKLOADS.map((workload) => `## ${workload.name}\n\n${workloadTable(results, workload)}`),
    `## Systems\n\n${systemTable(results)}`,
  ];
  writeFileSync(new URL("benchmarks.md", DOCS), `${sections.join("\n\n")}\n`);
  mkdirSync(new URL("benchmarks/", DOCS), { recursive: true });
  for (const { file, plot } of plots) {
    writeFileSync(new URL(`benchmarks/${file}`, DOCS), plotSvg(plot));
  }
}

function provenance({ machine, commit, measurements }: Results): string {
  const times = measurements.map(({ at }) => at).sort();
  const loads = measurements.map(({ loadBefore }) => loadBefore);
  return table([
    ["", ""],
    ["machine", machine],
    ["measured", `${minutes(times[0])} to ${minutes(times.at(-1))}`],
    [
      "load average before a measurement",
      `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
    ],
    ["commit", commit],
    ["commands", "`bench/install-peers.sh && npm run bench`; with the plots: `npm run bench:full`"],
  ]);
}

function minutes(iso: string | undefined): string {
  return iso === undefined ? NOTHING : `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

function costTable(results: Results): string {
  const { measurements } = results;
  return table([
    ["", ...WORKLOADS.map(({ name }) => name)],
    ...measuredSystems(Object.keys(results.versions)).map(({ name: system }) => [
      system,
      ...WORKLOADS.map(({ name: workload }) => {
        const rounds = new Rounds(measurements, system, workload);
        const cost = decimal(rounds.median("serverCpuMicrosPerDelivery"), 2);
        return `${cost}${rounds.isDisturbed ? DISTURBED : ""}`;
      }),
    ]),
  ]);
}

/** With what it has to be at least, and what is missed in bold. */
function goalTable(results: Results): string {
  const peers = [...new Set(GOALS.map(({ peer }) => peer))];
  return table([
    ["", ...WORKLOADS.map(({ name }) => name)],
    ...peers.map((peer) => [
      peer,
      ...WORKLOADS.map(({ name: workload }) => {
        const goals = GOALS.filter((goal) => goal.peer === peer && goal.workload === workload);
        return goals.length === 0
          ? NOTHING
          : goals.map((goal) => goalCell(results, goal)).join(", ");
      }),
    ]),
  ]);
}

function goalCell({ measurements }: Results, { peer, system, workload, ratio }: Goal): string {
  const [theirs, ours] = [peer, system].map((name) => new Rounds(measurements, name, workload));
  if (theirs === undefined || ours === undefined) return NOTHING;
  const cost = (rounds: Rounds) => rounds.median("serverCpuMicrosPerDelivery");
  const reached = cost(theirs) / cost(ours);
  const windowed = system === "pushcast" ? "" : "with the window ";
  const isMissed = reached < ratio;
  if (Number.isNaN(reached)) return `${windowed}${NOTHING} (≥ ${ratio})`;
  const disturbed = theirs.isDisturbed || ours.isDisturbed ? DISTURBED : "";
  return `${windowed}${isMissed ? "**" : ""}${decimal(reached, reached < 10 ? 2 : 0)}${disturbed}${isMissed ? "**" : ""} (≥ ${ratio})`;
}

function workloadTable(results: Results, { name: workload }: Workload): string {
  const { measurements } = results;
  const head = [
    "",
    "rounds",
    "sessions",
    "p50",
    "p99",
    "pushes/s",
    "deliveries/s",
    "lost, repeated, out of order",
    "undelivered",
    "CPU a delivery",
    "bytes a delivery",
    "idle memory",
    "peak memory",
    "cores: server, others on its core, clients, publisher",
  ];
  const rows = measuredSystems(Object.keys(results.versions)).map(({ name: system }) => {
    const rounds = new Rounds(measurements, system, workload);
    const mark = rounds.isDisturbed ? DISTURBED : "";
    const whole = (figure: Figure) => decimal(rounds.median(figure), 0);
    const mib = (figure: Figure) => `${decimal(rounds.median(figure) / MIB, 0)} MiB`;
    const core = (figure: Figure) => decimal(rounds.median(figure), 2);
    return [
      system,
      String(rounds.measurements.length),
      whole("sessions"),
      `${decimal(rounds.median("p50Ms"), 1)} ms`,
      `${decimal(rounds.median("p99Ms"), 1)} ms`,
      whole("pushesPerSecond"),
      whole("deliveriesPerSecond"),
      `${rounds.sum("lost")}, ${rounds.sum("repeated")}, ${rounds.sum("outOfOrder")}`,
      percent(rounds.sum("undelivered") / (rounds.sum("undelivered") + rounds.sum("deliveries"))),
      `${decimal(rounds.median("serverCpuMicrosPerDelivery"), 2)} µs${mark}`,
      whole("bytesPerDelivery"),
      mib("idleBytes"),
      mib("peakBytes"),
      `${core("serverCpu")}, ${core("othersCpu")}, ${core("generatorCpu")}, ${core("publisherCpu")}`,
    ];
  });
  return [table([head, ...rows]), besideLine(results, workload)].filter(Boolean).join("\n\n");
}

function besideLine(results: Results, workload: string): string {
  const { measurements } = results;
  const besides = measuredSystems(Object.keys(results.versions))
    .map(({ name }) => {
      const micros = new Rounds(measurements, name, workload).median("besideCpuMicrosPerPush");
      return Number.isNaN(micros) ? undefined : `${decimal(micros, 0)} µs (${name})`;
    })
    .filter((text) => text !== undefined);
  return besides.length === 0
    ? ""
    : `What takes part beside the server, on the load's cores (a push-manager, Redis), took ${besides.join(", ")} of CPU a push.`;
}

function systemTable(results: Results): string {
  return table([
    ["", "version", "run with"],
    ...measuredSystems(Object.keys(results.versions)).map(({ name, setup }) => [
      name,
      results.versions[name] ?? NOTHING,
      setup,
    ]),
  ]);
}

function decimal(value: number, digits: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${decimal(share * 100, share > 0 ? 1 : 0)} %` : NOTHING;
}
