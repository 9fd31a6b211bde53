import { totalmem } from "node:os";
import { Counter, register } from "prom-client";
import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";

test("each service of a process has its own metrics, with those of the process in them", async () => {
  const one = createMetrics();
  const other = createMetrics();
  new Counter({ name: "pushes_total", help: "Pushes.", registers: [one] }).inc();
  expect(await one.metrics()).toMatch(/^pushes_total 1$/m);
  expect(await one.metrics()).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(await other.metrics()).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  expect(await other.metrics()).not.toContain("pushes_total");
  expect(await register.metrics()).toBe("\n");
});

test("a process says how much memory it may take", async () => {
  const metric = createMetrics().getSingleMetric("process_memory_limit_bytes");
  const [limit] = (await metric?.get())?.values ?? [];
  expect(limit?.value).toBeGreaterThan(0);
  expect(limit?.value).toBeLessThanOrEqual(totalmem());
});

test("no metric lists the sockets of the process, of which there may be many thousands", async () => {
  expect(await createMetrics().metrics()).not.toMatch(/nodejs_active_(handles|resources)/);
});
