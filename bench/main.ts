/**
 * Push → client latency: a push-manager, connect-nodes, a publisher and clients in processes of
 * their own on loopback. From the publisher's call of PushToRoom to the client's receipt of the
 * frame, on the machine's one monotonic clock.
 */
import { parseArgs } from "node:util";
import { isFaultless, measure, type Result } from "./measure.ts";
import { type Plan, SCENARIOS } from "./scenarios.ts";
import { resultTable } from "./table.ts";

const USAGE = `npm run bench -- [flags]
  --scenario all  which of ${SCENARIOS.map(({ scenario }) => `"${scenario}"`).join(", ")}
  --json          write the results as JSON

In each scenario that is measured, instead of its own:
  --nodes         connect-node processes
  --live          clients that read, with one session each, spread evenly over the nodes
  --stalled       clients in the same rooms that read nothing
  --rooms         rooms with as many clients each
  --rate          pushes a second, to one room after another
  --seconds       how long is measured
  --warm-up       seconds of the same pushes before that
  --bytes         content of a push`;

const { plans, json } = readFlags();
// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const results: Result[] = [];
for (const plan of plans) {
  console.error(`${plan.scenario} ...`);
  results.push(await measure(plan));
}
console.log(json ? JSON.stringify(results, undefined, 2) : resultTable(results));
process.exitCode = results.every(isFaultless) ? 0 : 1;

function readFlags(): { plans: Plan[]; json: boolean } {
  const { values } = parseArgs({
    options: {
      scenario: { type: "string", default: "all" },
      nodes: { type: "string" },
      live: { type: "string" },
      stalled: { type: "string" },
      rooms: { type: "string" },
      rate: { type: "string" },
      seconds: { type: "string" },
      "warm-up": { type: "string" },
      bytes: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  const chosen = SCENARIOS.filter(
    ({ scenario }) => values.scenario === "all" || values.scenario === scenario,
  );
  if (chosen.length === 0) refuse(`there is no scenario ${values.scenario}`);
  const flag = (name: Exclude<keyof typeof values, "scenario" | "json" | "help">, min: number) => {
    const value = values[name] === undefined ? undefined : Number(values[name]);
    if (value === undefined || value >= min) return value;
    refuse(`--${name} must be a number, at least ${min}`);
  };
  const own = {
    nodes: flag("nodes", 1),
    live: flag("live", 1),
    stalled: flag("stalled", 0),
    rooms: flag("rooms", 1),
    rate: flag("rate", 1),
    seconds: flag("seconds", 1),
    warmUpSeconds: flag("warm-up", 1),
    contentBytes: flag("bytes", 1),
  };
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { plans: chosen.map((plan) => ({ ...plan, ...given })), json: values.json };
}

function refuse(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}
