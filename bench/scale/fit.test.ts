import { expect, test } from "vitest";
import { Fit } from "./fit.ts";
import type { Topology } from "./plans.ts";
import type { Quantity } from "./quantities.ts";
import type { Run } from "./run.ts";
import { situationOf } from "./situation.ts";

const AWAKE_SECONDS = 2e-5 * 1.1 ** 40;
const BEING_THERE = 0.01;
const WAKE_UP = 200e-6;
const PUSH = 20e-6;

const QUANTITY: Quantity = {
  unit: "cores",
  floor: 0.02,
  hasWakeUps: true,
  measured: ({ managerCores }) => managerCores,
  terms: [
    { of: "being there", amount: () => 1 },
    { of: "a wake-up", amount: ({ groups }, wakeUps) => wakeUps(groups) },
    { of: "a push", amount: ({ pushes }) => pushes },
  ],
};

const TOPOLOGY: Topology = {
  nodes: 1,
  nodesAre: "connect-nodes",
  managers: 1,
  rooms: 10,
  members: 10,
  heartbeatMs: 25_000,
  reattachSeconds: 10,
  warmUp: { rate: 1, seconds: 1 },
};

/** As a system would be measured that is exactly as the model says. */
function run(rate: number, groups: number, extraCores = 0): Run {
  const wakeUps = groups / (1 + groups * AWAKE_SECONDS);
  return {
    part: "nodes",
    topology: TOPOLOGY,
    load: { rate, contentBytes: 128, memberShare: 1, seconds: 1 },
    commit: "0000000",
    at: "2026-01-01T00:00:00.000Z",
    loadBefore: 0,
    busyShare: 0,
    othersCores: 0,
    pushesPerSecond: rate,
    groupsPerSecond: groups,
    deliveriesPerSecond: 0,
    faults: { refused: 0, lost: 0, repeated: 0, outOfOrder: 0, undelivered: 0, closed: 0 },
    managerCores: BEING_THERE + WAKE_UP * wakeUps + PUSH * rate + extraCores,
    nodeCores: undefined,
    loadCores: 0,
    linkBytesPerSecond: undefined,
    ackBytesPerSecond: undefined,
    bytesPerDelivery: undefined,
    latencyMs: undefined,
  };
}

const RUNS = [run(0, 0), run(50, 50), run(400, 400), run(1_000, 700), run(3_000, 800)];

test("the costs and the time that a process stays awake are found from runs", () => {
  const fit = new Fit(QUANTITY, RUNS);
  expect(fit.awakeSeconds).toBe(AWAKE_SECONDS);
  expect(fit.coefficients[0]).toBeCloseTo(BEING_THERE, 8);
  expect(fit.coefficients[1]).toBeCloseTo(WAKE_UP, 8);
  expect(fit.coefficients[2]).toBeCloseTo(PUSH, 8);
});

test("a run that it has not seen is predicted, and its error is relative to what was measured", () => {
  const fit = new Fit(QUANTITY, RUNS);
  const unseen = run(200, 150);
  expect(fit.predict(situationOf(unseen))).toBeCloseTo(unseen.managerCores, 8);
  expect(fit.meanError([unseen])).toBeCloseTo(0, 6);
  const dearer = run(200, 150, unseen.managerCores);
  expect(fit.meanError([unseen, dearer])).toBeCloseTo(0.25, 6);
});

test("a prediction's parts add up to it", () => {
  const fit = new Fit(QUANTITY, RUNS);
  const at = situationOf(run(200, 150));
  const sum = fit
    .parts(at)
    .reduce((total, { amount, coefficient }) => total + amount * coefficient, 0);
  expect(sum).toBeCloseTo(fit.predict(at), 12);
});

test("runs that lack what is fitted are refused", () => {
  expect(() => new Fit(QUANTITY, [run(0, 0)])).toThrow("nothing was measured of term 1");
});
