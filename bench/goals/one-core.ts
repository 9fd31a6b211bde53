import { measure } from "../comparison/measure.ts";
import { faultsOf } from "../comparison/measurement.ts";
import { pushcast } from "../comparison/systems/pushcast.ts";
import type { Workload } from "../comparison/workloads.ts";
import type { Scenario } from "./scenario.ts";

const SECONDS = 10;
const WARM_UP_SECONDS = 2;
/** A little more than the goal: what is on its way when the last push is made takes time, too. */
const RATE = 404;

const workload: Workload = {
  name: "one core",
  rooms: 1,
  members: 1000,
  rate: RATE,
  pushes: RATE * SECONDS,
  warmUpPushes: RATE * WARM_UP_SECONDS,
};

export const oneCore: Scenario<
  "deliveriesPerSecond" | "p50Ms" | "p99Ms" | "faults" | "cpuMicros" | "loadCpu"
> = {
  name: "one node on one core",
  setup: `one room of 1,000, ${RATE} pushes a second for ${SECONDS} s, no window; from the first push to the last delivery`,
  goals: {
    deliveriesPerSecond: { what: "deliveries a second", unit: "/s", atLeast: 400_000 },
    p50Ms: { what: "push → client, p50", unit: "ms", atMost: 25 },
    p99Ms: { what: "push → client, p99", unit: "ms" },
    faults: {
      what: "lost, repeated, out of order or not delivered",
      unit: "",
      atMost: 0,
      isWorst: true,
    },
    cpuMicros: { what: "the node's CPU a delivery", unit: "µs" },
    loadCpu: { what: "the clients' CPU", unit: "%" },
  },
  measure: async () => {
    const measured = await measure(pushcast("pushcast", ""), workload);
    return {
      deliveriesPerSecond: measured.deliveriesPerSecond,
      p50Ms: measured.p50Ms,
      p99Ms: measured.p99Ms,
      faults: faultsOf(measured) + measured.undelivered,
      cpuMicros: measured.serverCpuMicrosPerDelivery,
      loadCpu: measured.generatorCpu * 100,
    };
  },
};
