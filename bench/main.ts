/**
 * Push → client latency: a push-manager, connect-nodes, a publisher and clients in processes of
 * their own on loopback. From the publisher's call of PushToRoom to the client's receipt of the
 * frame, on the machine's one monotonic clock.
 */
import { parseArgs } from "node:util";
import { isManagerFaultless, type ManagerResult, measureManager } from "./manager/measure.ts";
import { MANAGER_PLANS, type ManagerPlan } from "./manager/plans.ts";
import { managerTable } from "./manager/table.ts";
import { isFaultless, measure, type Result } from "./measure.ts";
import { type Plan, RESUME_STORM, SCENARIOS, type StormPlan } from "./scenarios.ts";
import { isStormFaultless, measureStorm, type StormResult } from "./storm.ts";
import { stormTable } from "./storm-table.ts";
import { machine, resultTable } from "./table.ts";

const USAGE = `npm run bench:scenarios -- [flags]
  --scenario all  ${SCENARIOS.map(({ scenario }) => `"${scenario}"`).join(", ")} or one of them,
                  "${RESUME_STORM.scenario}", or "manager" for all or one of
                  ${MANAGER_PLANS.map(({ scenario }) => `"${scenario}"`).join(", ")}
  --json          write the results as JSON

In each scenario that is measured, instead of its own:
  --nodes         connect-node processes
  --live          clients that read, with one session each, spread evenly over the nodes
  --stalled       clients in the same rooms that read nothing
  --rooms         rooms with as many clients each
  --rate          pushes a second, to one room after another
  --seconds       how long is measured
  --warm-up       seconds of the same pushes before that
  --bytes         content of a push

Of "resume storm" only:
  --resuming      clients that are cut at once and resume at once
  --missed        pushes that each of them misses in each of its three rooms, and as many to all
  --burst         the node's HANDSHAKE_BURST

Of "manager" only, beside --nodes, --rate, --seconds, --warm-up and --bytes:
  --profile       a directory for the manager's CPU profiles of what is measured`;

const { plans, stormPlan, managerPlans, profile, json } = readFlags();
// An exit ends all processes that were started; a signal alone would leave them behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const results: Result[] = [];
for (const plan of plans) {
  console.error(`${plan.scenario} ...`);
  results.push(await measure(plan));
}
const storms: StormResult[] = [];
if (stormPlan !== undefined) {
  console.error(`${stormPlan.scenario} ...`);
  storms.push(await measureStorm(stormPlan));
}
const managers: ManagerResult[] = [];
for (const plan of managerPlans) {
  console.error(`${plan.scenario} ...`);
  managers.push(await measureManager(plan, profile));
}
const tables = [
  ...(results.length > 0 ? [resultTable(results)] : []),
  ...storms.map(stormTable),
  ...(managers.length > 0 ? [managerTable(managers)] : []),
];
console.log(
  json
    ? JSON.stringify([...results, ...storms, ...managers], undefined, 2)
    : [...tables, machine()].join("\n\n"),
);
process.exitCode =
  results.every(isFaultless) && storms.every(isStormFaultless) && managers.every(isManagerFaultless)
    ? 0
    : 1;

interface Flags {
  readonly plans: Plan[];
  readonly stormPlan: StormPlan | undefined;
  readonly managerPlans: ManagerPlan[];
  readonly profile: string | undefined;
  readonly json: boolean;
}

function readFlags(): Flags {
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
      resuming: { type: "string" },
      missed: { type: "string" },
      burst: { type: "string" },
      profile: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  const plans = SCENARIOS.filter(
    ({ scenario }) => values.scenario === "all" || values.scenario === scenario,
  );
  const storms = [RESUME_STORM].filter(({ scenario }) => values.scenario === scenario);
  const managers = MANAGER_PLANS.filter(
    ({ scenario }) => values.scenario === "manager" || values.scenario === scenario,
  );
  if (plans.length + storms.length + managers.length === 0) {
    refuse(`there is no scenario ${values.scenario}`);
  }
  const flag = (
    name: Exclude<keyof typeof values, "scenario" | "profile" | "json" | "help">,
    min: number,
  ) => {
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
  const ofStorm = {
    resuming: flag("resuming", 1),
    missed: flag("missed", 1),
    burst: flag("burst", 1),
  };
  const [stormPlan] = storms.map((plan) => ({ ...plan, ...given(own), ...given(ofStorm) }));
  return {
    plans: plans.map((plan) => ({ ...plan, ...given(own) })),
    stormPlan,
    managerPlans: managers.map((plan) => ({ ...plan, ...given(own) })),
    profile: values.profile,
    json: values.json,
  };
}

/** Without the flags that were not set. */
function given(flags: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(flags).filter((flag): flag is [string, number] => flag[1] !== undefined),
  );
}

function refuse(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}
