import { expect, test } from "vitest";
import { randomResumes } from "./random-resumes.ts";

const { RESUMES = "10000", SEED = String(Math.floor(Math.random() * 2 ** 31)) } = process.env;
const resumes = Number(RESUMES);
const seed = Number(SEED);
/** Far more than it takes, also on a machine that is busy otherwise. */
const TIMEOUT_MS = 180_000 + resumes * 10;

test(
  `${resumes} resumes at random points, under load and faults: each recovered: true is right`,
  async () => {
    console.log(`SEED=${seed}`);
    const outcome = await randomResumes({ resumes, seed });
    const { counts, faults } = outcome;
    const { recovered, notRecovered } = counts;
    console.log(
      `${outcome.resumes} resumes: ${recovered} recovered, ${notRecovered} not; ` +
        `${outcome.pushes} pushes, ${counts.deliveries} deliveries, ` +
        `${outcome.histories} histories; ${JSON.stringify(outcome.faultCounts)}`,
    );
    expect(faults).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, repeated: 0, outOfOrder: 0, misdirected: 0 });
    expect(outcome.resumes).toBeGreaterThanOrEqual(resumes);
    expect(recovered + notRecovered).toBe(outcome.resumes);
    // Neither answer is rare, or the test would prove little.
    expect(recovered).toBeGreaterThan(resumes / 10);
    expect(notRecovered).toBeGreaterThan(resumes / 100);
  },
  TIMEOUT_MS,
);
