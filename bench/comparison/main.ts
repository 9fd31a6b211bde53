/** Pushcast beside its peers, and against its own goals; and the page of what came out. */
import { parseArgs } from "node:util";
import { readGoalResults } from "../goals/results.ts";
import { measureGoals } from "../goals/rounds.ts";
import { GOAL_SCENARIOS } from "../goals/scenarios.ts";
import { writePage } from "./page.ts";
import { readResults } from "./results.ts";
import { compare } from "./rounds.ts";
import { ALL_SYSTEMS, SYSTEMS } from "./systems.ts";
import { RATE_SERIES, SIZE_SERIES, WORKLOADS } from "./workloads.ts";

const ROUNDS = 2;
const FULL_ROUNDS = 3;

const USAGE = `npm run bench -- [flags]
  --full             also the workloads of the plots, socket.io with Redis, and all goals
  --rounds <number>  of each workload; in each every system in turn.
                     ${ROUNDS} without --full, ${FULL_ROUNDS} with it
  --workload <text>  only those whose name has it, repeatable; no goals
  --system <text>    only those whose name begins with it, repeatable; no goals
  --goal <text>      only scenarios of goals whose name has it, repeatable; no comparison
  --keep             adds to the results that are there
  --page             measures nothing, writes docs/benchmarks.md anew from the results
The results are in bench/results. Peers are installed by bench/install-peers.sh. Goals are those of
${GOAL_SCENARIOS.map(({ name }) => `  "${name}"`).join("\n")}
Systems: ${ALL_SYSTEMS.map(({ name }) => name).join(", ")}.
Workloads: ${[...WORKLOADS, ...RATE_SERIES, ...SIZE_SERIES].map(({ name }) => name).join(", ")}.`;

const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    rounds: { type: "string" },
    workload: { type: "string", multiple: true },
    system: { type: "string", multiple: true },
    goal: { type: "string", multiple: true },
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
  if (!values.page) await measureAll();
  const results = readResults();
  if (results === undefined) refuse("there are no results");
  writePage(results, readGoalResults());
}

async function measureAll(): Promise<void> {
  const { full, keep: keeps, workload, system, goal } = values;
  const rounds = Number(values.rounds ?? (full ? FULL_ROUNDS : ROUNDS));
  if (!(rounds >= 1)) refuse("--rounds must be a number, at least 1");
  const isChosen = (texts: readonly string[] | undefined, matches: (text: string) => boolean) =>
    texts === undefined || texts.some(matches);
  const workloads = [...WORKLOADS, ...(full ? [...RATE_SERIES, ...SIZE_SERIES] : [])].filter(
    ({ name }) => isChosen(workload, (text) => name.includes(text)),
  );
  const systems = (full ? ALL_SYSTEMS : SYSTEMS).filter(({ name }) =>
    isChosen(system, (text) => name.startsWith(text)),
  );
  const scenarios = GOAL_SCENARIOS.filter(({ name }) =>
    isChosen(goal, (text) => name.includes(text)),
  );
  if (workloads.length === 0) refuse("no such workload");
  if (systems.length === 0) refuse("no such system");
  if (scenarios.length === 0) refuse("no such scenario of goals");

  const compares = goal === undefined || workload !== undefined || system !== undefined;
  const hasGoals = goal !== undefined || (full && workload === undefined && system === undefined);
  const comparison = { systems, workloads, rounds, keeps };
  const isFaultless = [
    compares ? await compare(comparison) : true,
    hasGoals ? await measureGoals({ scenarios, rounds, keeps }) : true,
  ];
  if (isFaultless.includes(false)) process.exitCode = 1;
}

function refuse(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}
