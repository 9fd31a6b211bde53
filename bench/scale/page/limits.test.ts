import { expect, test } from "vitest";
import { CostModel } from "../cost-model.ts";
import { readResults } from "../results.ts";
import type { Run } from "../run.ts";
import { limits, worstExcess } from "./limits.ts";

test("the worst run with as many nodes says how far the model is off", () => {
  const topology = { nodes: 300, nodesAre: "receivers", managers: 1, rooms: 0, members: 0 };
  const run = (rate: number, managerCores: number) =>
    ({ topology, load: { rate, contentBytes: 1, memberShare: 1 }, managerCores }) as Run;
  const model = { manager: { predict: () => 0.2 } } as unknown as Pick<CostModel, "manager">;
  const runs = [run(0, 0.9), run(5, 0.1), run(20, 0.5)];

  expect(worstExcess(model, runs, 300)).toBeCloseTo(2.5);
  expect(worstExcess(model, runs, 100)).toBeUndefined();
  expect(worstExcess(model, [run(0, 0.9)], 300)).toBeUndefined();
});

test("the page marks what its own runs contradict", () => {
  const runs = readResults()?.runs ?? [];
  const page = limits(new CostModel(runs), runs);

  expect(page).toMatch(/^\| 1,000† .*\*\*× \d\.\d\*\*/m);
  expect(page).toMatch(/With .*1,000 nodes it takes more managers than this/);
});
