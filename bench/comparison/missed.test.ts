import { expect, test } from "vitest";
import type { Measurement } from "./measurement.ts";
import { missedSection } from "./missed.ts";
import type { Results } from "./results.ts";

const WORKLOAD = "1,000 in a room, 400 msg/s";

function resultsWith(micros: Readonly<Record<string, number>>): Results {
  const measurements = Object.entries(micros).map(
    ([system, serverCpuMicrosPerDelivery]) =>
      ({ system, workload: WORKLOAD, serverCpuMicrosPerDelivery, othersCpu: 0 }) as Measurement,
  );
  return { machine: "", versions: {}, measurements };
}

test("what is missed is told with the figure, the goal and the difference", () => {
  const section = missedSection(resultsWith({ pushcast: 2, "ws loop": 9 }), undefined);
  expect(section).toContain(`**${WORKLOAD}**: ws loop 4.50 instead of ≥ 6 (by 25 %). `);
});

test("nothing is missed where goals are met or nothing was measured", () => {
  const section = missedSection(resultsWith({ pushcast: 2, "ws loop": 12.1 }), undefined);
  expect(section).toMatch(/why\n\nNothing\.$/);
});

test("a scenario misses a goal with the median of its rounds, and none that has no limit", () => {
  const runs = [30, 26, 20].map((p50Ms, n) => ({
    scenario: "one node on one core",
    round: n + 1,
    commit: "",
    at: "",
    loadBefore: 0,
    figures: { deliveriesPerSecond: 400_000, p50Ms, p99Ms: 1000, faults: 0 },
  }));
  const section = missedSection(resultsWith({}), { machine: "", runs });
  expect(section).toContain(
    "**one node on one core**: push → client, p50 26 ms instead of ≤ 25 ms (by 4 %). ",
  );
});
