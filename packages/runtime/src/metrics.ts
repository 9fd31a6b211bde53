import { collectDefaultMetrics, Registry } from "prom-client";

/**
 * A registry of its own, with the metrics of the process (CPU, memory, event loop, garbage
 * collection) in it. Never prom-client's global one: one process may run several services.
 */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
