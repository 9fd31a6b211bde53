import { describe, expect, test } from "vitest";
import { CORPUS } from "./corpus.ts";
import { fuzz } from "./fuzz-run.ts";
import { TARGETS } from "./targets.ts";

const INPUTS = 20_000;
/** The same in every run: `npm run fuzz` looks for others. */
const SEED = 20_251_123;

describe("inputs at random", { timeout: 60_000 }, () => {
  test.each(TARGETS)(
    "$name: nothing ends, hangs, grows or tells what it should not",
    async (target) => {
      for (const seed of CORPUS[target.name] ?? []) {
        expect((await fuzz(target, seed, 1)).failure).toBeUndefined();
      }
      const { inputs, failure } = await fuzz(target, SEED, Math.ceil(INPUTS * target.share));
      expect(failure).toBeUndefined();
      expect(inputs).toBeGreaterThan(0);
    },
  );

  test("that fail are told with the seed that repeats them", async () => {
    const target = {
      name: "picky",
      share: 1,
      batch: 10,
      open: async () => ({
        give: (input: { nat(below: number): number }) => {
          if (input.nat(50) === 7) throw new Error("seven");
        },
        check: async () => {},
        close: async () => {},
      }),
    };
    const { failure } = await fuzz(target, 1, 1_000);
    expect(failure?.problem).toContain("seven");
    const again = await fuzz(target, failure?.seed ?? 0, 1);
    expect(again.failure).toEqual(failure && { ...failure, problem: expect.anything() });
  });
});
