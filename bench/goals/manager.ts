import { type ManagerResult, measureManager } from "../manager/measure.ts";
import { MANAGER_PLANS, type ManagerPlan } from "../manager/plans.ts";
import { MIB } from "../table.ts";
import type { Goal, Scenario } from "./scenario.ts";

/** Of the log, which is full by then, and long enough to see memory that goes on growing. */
const FULL_STREAM_SECONDS = 45;
/** What a push-manager may have in production by `charts/prod`. */
const POD_MEMORY_MIB = 512;

type Figure = "micros" | "rate" | "p50Ms" | "p99Ms" | "peakMib" | "faults";

const UNJUDGED: Readonly<Record<Figure, Goal>> = {
  micros: { what: "CPU a push and node", unit: "µs" },
  rate: { what: "pushes accepted", unit: "/s" },
  p50Ms: { what: "push → answer, p50", unit: "ms" },
  p99Ms: { what: "push → answer, p99", unit: "ms" },
  peakMib: { what: "resident memory, at most", unit: "MiB" },
  faults: { what: "refused, lost, or reported without a node", unit: "", atMost: 0, isWorst: true },
};

function scenario(
  plan: ManagerPlan,
  goals: Partial<Record<Figure, Omit<Goal, "what" | "unit">>>,
): Scenario<Figure> {
  const { nodes, via, rate, seconds, scenario: name } = plan;
  const pushes = Number.isFinite(rate)
    ? `${rate.toLocaleString("en")} pushes a second`
    : "all pushes that it takes";
  const judged = Object.entries(UNJUDGED).map(([figure, goal]) => [
    figure,
    { ...goal, ...goals[figure as Figure] },
  ]);
  return {
    name: name.replace("manager", "push-manager"),
    setup: `${pushes} ${via === "unary" ? "by PushToRoom" : "through one PushStream"} for ${seconds} s, every push acknowledged by all of ${nodes} light nodes`,
    goals: Object.fromEntries(judged) as Record<Figure, Goal>,
    measure: async () => figures(await measureManager(plan, undefined)),
  };
}

function figures(result: ManagerResult): Record<Figure, number> {
  return {
    micros: result.managerCpuMicrosAPushAndNode,
    rate: result.rate,
    p50Ms: result.answerMs.p50,
    p99Ms: result.answerMs.p99,
    peakMib: result.rssBytes.peak / MIB,
    faults: result.refused + result.incomplete + result.losses,
  };
}

function plan(name: string): ManagerPlan {
  const found = MANAGER_PLANS.find((one) => one.scenario === name);
  if (found === undefined) throw new Error(`there is no plan ${name}`);
  return found;
}

export const MANAGER_SCENARIOS: readonly Scenario[] = [
  scenario(plan("manager, unary"), { micros: { atMost: 15 } }),
  scenario(plan("manager, stream"), { micros: { atMost: 15 } }),
  scenario(plan("manager, busy stream"), { micros: { atMost: 5 } }),
  scenario(
    { ...plan("manager, full stream"), seconds: FULL_STREAM_SECONDS },
    { rate: { atLeast: 20_000 }, peakMib: { atMost: POD_MEMORY_MIB } },
  ),
  scenario(plan("manager, 100 nodes"), {
    p50Ms: { isReported: true },
    p99Ms: { isReported: true },
  }),
];
