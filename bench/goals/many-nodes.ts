import { measure } from "../comparison/measure.ts";
import { faultsOf } from "../comparison/measurement.ts";
import { pushcast } from "../comparison/systems/pushcast.ts";
import type { Workload } from "../comparison/workloads.ts";
import type { Scenario } from "./scenario.ts";

const NODES = 10;
const SECONDS = 15;
const WARM_UP_SECONDS = 10;
const RATE = 500;

const workload: Workload = {
  name: "many nodes",
  rooms: 100,
  members: 10,
  rate: RATE,
  pushes: RATE * SECONDS,
  warmUpPushes: RATE * WARM_UP_SECONDS,
};

export const manyNodes: Scenario<
  "p50Ms" | "p99Ms" | "maxMs" | "faults" | "nodesCpu" | "managerMicros"
> = {
  name: `${NODES} nodes`,
  setup: `${RATE} pushes a second for ${SECONDS} s to 100 rooms, each with a session on each node; nodes, push-manager and load share all cores`,
  goals: {
    p50Ms: { what: "push → client, p50", unit: "ms", atMost: 2 },
    p99Ms: { what: "push → client, p99", unit: "ms", atMost: 10 },
    maxMs: { what: "push → client, longest", unit: "ms" },
    faults: {
      what: "lost, repeated, out of order or not delivered",
      unit: "",
      atMost: 0,
      isWorst: true,
    },
    nodesCpu: { what: "all nodes' CPU", unit: "%" },
    managerMicros: { what: "push-manager's CPU a push", unit: "µs" },
  },
  measure: async () => {
    const measured = await measure(pushcast("pushcast", "", { nodes: NODES }), workload);
    return {
      p50Ms: measured.p50Ms,
      p99Ms: measured.p99Ms,
      maxMs: measured.maxMs,
      faults: faultsOf(measured) + measured.undelivered,
      nodesCpu: measured.serverCpu * 100,
      managerMicros: measured.besideCpuMicrosPerPush ?? Number.NaN,
    };
  },
};
