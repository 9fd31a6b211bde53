import { expect, test } from "vitest";
import { costlierSection } from "./costlier.ts";
import type { Measurement } from "./measurement.ts";
import type { Results } from "./results.ts";

const WORKLOAD = "1,000 in a room, 30 msg/s";

function resultsWith(micros: Readonly<Record<string, number>>): Results {
  const measurements = Object.entries(micros).map(
    ([system, serverCpuMicrosPerDelivery]) =>
      ({ system, workload: WORKLOAD, serverCpuMicrosPerDelivery, othersCpu: 0 }) as Measurement,
  );
  const versions = Object.fromEntries(Object.keys(micros).map((system) => [system, "1"]));
  return { machine: "", versions, measurements };
}

test("peers that take noticeably less are named, the thriftiest first", () => {
  const results = resultsWith({ pushcast: 10, nchan: 8, uws: 6, nats: 9, socket: 20 });
  expect(costlierSection(results, undefined)).toContain(`in ${WORKLOAD}: uws 60 %, nchan 80 %.`);
});

test("nothing is said of a workload in which nobody takes less", () => {
  const section = costlierSection(resultsWith({ pushcast: 10, nats: 9 }), undefined);
  expect(section).not.toContain(WORKLOAD);
});

test("an idle session is told beside a bare connection, where it takes more", () => {
  const figures = { resident: 7.5, bareResident: 4.8 };
  const run = { scenario: "idle sessions", round: 1, commit: "", at: "", loadBefore: 0, figures };
  const section = costlierSection(resultsWith({}), { machine: "", runs: [run] });
  expect(section).toContain("One takes 7.5 KB, a connection to a bare server of Node's 4.8 KB.");
});
