import fc from "fast-check";
import { expect, test } from "vitest";
import { happening, settings, World } from "./happenings.ts";

/** Of the whole test; another finds other sequences. */
const SEED = Number(process.env.SEED ?? 20250101);
const RUNS = Number(process.env.RUNS ?? 150);

test("after recovered: true nothing is missing, on any node", {
  timeout: 3_600_000,
}, async () => {
  const sums = { messages: 0, recovered: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.record({ settings, seed: fc.nat() }),
      fc.array(happening, { minLength: 60, maxLength: 160, size: "max" }),
      async (init, sequence) => {
        const world = new World(init);
        try {
          await world.begin();
          for (const one of sequence) {
            world.apply(one);
            await world.cluster.pass(one.kind === "pass" ? one.ms : 10);
            world.cluster.checkLogs();
          }
          await world.end();
        } finally {
          world.cluster.loop.uninstall();
        }
        const { messages, resumes } = world.cluster;
        sums.messages += messages;
        sums.recovered += resumes.recovered;
        sums.refused += resumes.refused;
      },
    ),
    { seed: SEED, numRuns: RUNS, endOnFailure: process.env.SHRINK === "no" },
  );
  console.info(JSON.stringify({ runs: RUNS, ...sums }));
  expect(sums.recovered).toBeGreaterThan(RUNS * 50);
});
