import { mkdirSync, writeFileSync } from "node:fs";
import type { GoalResults } from "../goals/results.ts";
import { goalsSection } from "../goals/sections.ts";
import { MIB, table } from "../table.ts";
import { costlierSection } from "./costlier.ts";
import { GOALS } from "./goals.ts";
import { type Figure, MAX_OTHERS_CPU, Rounds } from "./median.ts";
import { missedSection } from "./missed.ts";
import { commitsText, decimal, minutes, NOTHING, percent } from "./page-text.ts";
import { plotSvg } from "./plot.ts";
import { costPlot, latencyPlot } from "./plots.ts";
import { type Ratio, ratios } from "./ratios.ts";
import type { Results } from "./results.ts";
import { measuredSystems } from "./systems.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const DISTURBED = "†";

const INTRODUCTION = `# Benchmarks

<!-- Written by \`npm run bench\` from bench/results: do not edit. -->

Pushcast beside its peers, under the same load on the same machine. How the figures are made, and what
they do not say, is in [performance.md](performance.md#against-peers).`;

const EXPLANATION = `Each figure is the median of the rounds; in a round every system had its turn under each workload. A
round in which others took more than ${MAX_OTHERS_CPU * 100} % of the server's core counts only where there is no better
one, and then the figure has a ${DISTURBED}. The server has one core and the load the others. **CPU a
delivery is what holds on a busy machine; treat 15 % as nothing.** Latencies are from the publisher's write to the client's read, of what was delivered, and hold
only beside each other. *Undelivered* is what had not come when the measurement ended: that server was behind.`;

/** Writes `docs/benchmarks.md` and its plots. */
export function writePage(results: Results, goals: GoalResults | undefined): void {
  const plots = [latencyPlot(results), costPlot(results)].filter(
    ({ plot }) => plot.lines.length > 0,
  );
  const sections = [
    INTRODUCTION,
    provenance(results),
    EXPLANATION,
    costlierSection(results, goals),
    `## Server CPU a delivery, in µs\n\n${costTable(results)}`,
    `## Theirs ÷ ours\n\nIn brackets what it has to be; what is missed is bold.\n\n${ratioTable(results)}`,
    ...(goals === undefined ? [] : [goalsSection(goals)]),
    missedSection(results, goals),
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

function provenance({ machine, measurements }: Results): string {
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
    ["commit", commitsText(measurements)],
    [
      "commands",
      "`bench/install-peers.sh && npm run bench`; with all that is here: `npm run bench:full`",
    ],
  ]);
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
function ratioTable(results: Results): string {
  const all = ratios(results);
  const peers = [...new Set(GOALS.map(({ peer }) => peer))];
  return table([
    ["", ...WORKLOADS.map(({ name }) => name)],
    ...peers.map((peer) => [
      peer,
      ...WORKLOADS.map(({ name: workload }) => {
        const own = all.filter(({ goal }) => goal.peer === peer && goal.workload === workload);
        return own.length === 0 ? NOTHING : own.map(ratioCell).join(", ");
      }),
    ]),
  ]);
}

function ratioCell({ goal, reached, isMissed, isDisturbed }: Ratio): string {
  const windowed = goal.system === "pushcast" ? "" : "with the window ";
  const mark = isDisturbed ? DISTURBED : "";
  const text = Number.isNaN(reached) ? NOTHING : `${decimal(reached, reached < 10 ? 2 : 0)}${mark}`;
  return `${windowed}${isMissed ? `**${text}**` : text} (≥ ${goal.ratio})`;
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
  const rows = measuredSystems(Object.keys(results.versions)).flatMap(({ name: system }) => {
    const rounds = new Rounds(measurements, system, workload);
    if (rounds.measurements.length === 0) return [];
    const mark = rounds.isDisturbed ? DISTURBED : "";
    const whole = (figure: Figure) => decimal(rounds.median(figure), 0);
    const mib = (figure: Figure) => `${decimal(rounds.median(figure) / MIB, 0)} MiB`;
    const core = (figure: Figure) => decimal(rounds.median(figure), 2);
    const row = [
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
    return [row];
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
