/** Measures what scale costs, fits a cost model to it, and writes docs/scale.md. */
import { parseArgs } from "node:util";
import { machine } from "../table.ts";
import { measure } from "./measure.ts";
import { writePage } from "./page/page.ts";
import { PARTS, type Part } from "./plans.ts";
import { readResults, writeResults } from "./results.ts";
import { isFaultless, type Run } from "./run.ts";

const NAMES = Object.keys(PARTS) as Part[];
const USAGE = `npm run bench:scale -- [flags]
  --only <part>  ${NAMES.join(", ")}; repeatable; the others' results stay as they are
  --page         measures nothing, writes docs/scale.md anew from the results
The results are in bench/results/scale.json. It needs etcd on the PATH.`;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: NAMES },
    page: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
if (values.help) console.log(USAGE);
else await run();

async function run(): Promise<void> {
  const unknown = values.only.filter((name) => !NAMES.some((part) => part === name));
  if (unknown.length > 0) refuse(`there is no part ${unknown.join(", ")}`);
  if (!values.page) await measureParts(NAMES.filter((part) => values.only.includes(part)));
  const results = readResults();
  if (results === undefined) refuse("there are no results");
  writePage(results);
}

async function measureParts(parts: readonly Part[]): Promise<void> {
  const kept = readResults()?.runs.filter(({ part }) => !parts.includes(part)) ?? [];
  const measured: Run[] = [];
  for (const part of parts) {
    for (const plan of PARTS[part]) {
      await measure(part, plan, (run) => {
        console.error(line(run));
        if (!isFaultless(run)) process.exitCode = 1;
        measured.push(run);
      });
    }
  }
  const runs = NAMES.flatMap((name) => [...kept, ...measured].filter(({ part }) => part === name));
  writeResults({ machine: machine(), runs });
}

function line({ topology, load, ...run }: Run): string {
  const { nodes, nodesAre, managers, rooms, members } = topology;
  const cores = (value: number | undefined) =>
    value === undefined ? "–" : `${(value * 100).toFixed(2)} %`;
  return [
    `${run.part} · ${nodes} ${nodesAre}, ${managers} managers, ${rooms} × ${members}`,
    `${load.rate}/s of ${load.contentBytes} B, ${load.memberShare} to members`,
    `manager ${cores(run.managerCores)}, node ${cores(run.nodeCores)}`,
    `p50 ${run.latencyMs?.p50.toFixed(1)}, p99 ${run.latencyMs?.p99.toFixed(1)} ms`,
    `link ${run.linkBytesPerSecond?.toFixed(0)} B/s, ack ${run.ackBytesPerSecond?.toFixed(0)} B/s`,
    `${run.groupsPerSecond.toFixed(0)} groups/s, load ${cores(run.loadCores)}, others ${cores(run.othersCores)}`,
    isFaultless({ topology, load, ...run }) ? "" : JSON.stringify(run.faults),
  ].join(" · ");
}

function refuse(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}
