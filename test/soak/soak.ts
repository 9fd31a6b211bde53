/**
 * `npm run soak`: a small cluster of processes under a steady load and a churn of clients, for a long
 * time. Does anything grow, and is anything lost?
 */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { type SoakPlan, type SoakResult, soak } from "./soak-run.ts";
import { soakTable } from "./soak-table.ts";

const USAGE = `npm run soak -- [flags]
  --minutes 20    how long it lasts
  --users 500     each has one client after another
  --rooms 50      a client is in two of them and a busy one, to which half of the pushes go
  --rate 50       pushes a second
  --bytes 12000   content of a push
  --stays 75      seconds that a client stays, on average
  --seed 1        of what the clients do`;

// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const plan = readFlags();
const result = await soak(plan);
const problems = problemsOf(result);
console.log([...told(plan, result), "", soakTable(result.rows), "", ...problems].join("\n"));
console.log(problems.length === 0 ? "level, and nothing was lost" : "NOT as it should be");
process.exitCode = problems.length === 0 ? 0 : 1;

function readFlags(): SoakPlan {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "20" },
      users: { type: "string", default: "500" },
      rooms: { type: "string", default: "50" },
      rate: { type: "string", default: "50" },
      bytes: { type: "string", default: "12000" },
      stays: { type: "string", default: "75" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  const number = (flag: Exclude<keyof typeof values, "help">, least: number) => {
    const value = Number(values[flag]);
    if (value >= least) return value;
    console.error(`--${flag} must be a number, at least ${least}\n${USAGE}`);
    process.exit(2);
  };
  return {
    // In less time a quarter has no sample.
    minutes: number("minutes", 1),
    users: number("users", 1),
    rooms: number("rooms", 4),
    rate: number("rate", 1),
    bytes: number("bytes", 0),
    staysSeconds: number("stays", 1),
    seed: number("seed", 0),
  };
}

function told(plan: SoakPlan, { report, pushes, commands, drains, undone }: SoakResult): string[] {
  const { clients, moves, counts } = report;
  const memoryGib = Math.round(totalmem() / 1024 ** 3);
  return [
    `${plan.minutes} minutes on ${cpus().length} cores (${cpus()[0]?.model}), ${memoryGib} GiB, Node ${process.version}`,
    `${pushes} pushes of ${plan.bytes} bytes, ${commands} commands, ${drains} nodes drained and replaced`,
    `${clients} clients, of ${plan.users} users: ${moves.rooms} changes of a room, ${moves.resume} cut connections, ${moves.stall} times of reading nothing`,
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
    ...undone.map((what) => `not done ${what}`),
  ];
}

function problemsOf({ rows, report: { counts, faults } }: SoakResult): string[] {
  const wrong = ["lost", "repeated", "outOfOrder", "misdirected"] as const;
  return [
    ...rows.filter((row) => row.grows).map((row) => `grows: ${row.process}: ${row.measure}`),
    ...wrong.filter((name) => counts[name] > 0).map((name) => `${name}: ${counts[name]}`),
    ...faults,
  ];
}
