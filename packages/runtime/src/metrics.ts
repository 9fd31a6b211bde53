import { totalmem } from "node:os";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** To list them takes the event loop 13 ms for each 10,000 sockets, at each scrape. */
const TOO_COSTLY = [
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
];

/** A gauge, though its name says that it is a counter. */
const MISNAMED = "nodejs_active_requests_total";

/**
 * A registry of its own, with the metrics of the process (CPU, memory, event loop, garbage
 * collection) in it. Never prom-client's global one: one process may run several services.
 */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of [...TOO_COSTLY, MISNAMED]) registry.removeSingleMetric(name);
  new Gauge({
    name: "process_memory_limit_bytes",
    help: "Memory that the process's container may take, else what the machine has.",
    registers: [registry],
  }).set(memoryLimitBytes());
  return registry;
}

/**
 * Shows the numbers of settings that must be the same in all processes, so that what reads the metrics
 * of several sees where they differ.
 */
export function showCommonSettings(
  registry: Registry,
  service: "push_manager" | "connect_node",
  settings: Readonly<Record<string, number>>,
): void {
  const gauge = new Gauge({
    name: `${service}_common_setting`,
    help: "Settings that must be the same in all processes that have them.",
    labelNames: ["setting"],
    registers: [registry],
  });
  for (const [setting, value] of Object.entries(settings)) gauge.set({ setting }, value);
}

/** Node says 0 where it does not know a limit, and about 2^64 where there is none. */
function memoryLimitBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}
