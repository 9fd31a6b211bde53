import { expect, onTestFinished, test } from "vitest";
import { ALL_DELIVERED, Scene } from "./scene.ts";

const NODES = 5;
const CLIENTS = 2_000;
const DRAIN_SECONDS = 2;

test("a rolling restart loses, repeats and disorders nothing", async () => {
  const scene = await Scene.start({
    nodes: NODES,
    managers: 2,
    logSeconds: 120,
    lagSeconds: 2,
    nodeSettings: { REATTACH_SECONDS: 2, DRAIN_SECONDS },
  });
  onTestFinished(() => scene.close());
  const { cluster } = scene;
  const { pushes, retries, report } = await scene.play(
    { clients: CLIENTS, rooms: 200, pushesPerSecond: 500, everyBroadcast: 1_000, seed: 1 },
    async ({ publisher }) => {
      await publisher.more(500);
      for (const node of [...cluster.nodes]) await cluster.replaceNode(node);
      await publisher.more(250);
    },
  );
  expect(report.faults).toEqual([]);
  expect(report.live).toBe(CLIENTS);
  expect(report.counts).toMatchObject(ALL_DELIVERED);
  expect(retries).toBe(0);
  // Nearly all pushes go to a room of ten.
  expect(report.counts.deliveries).toBeGreaterThan(9 * pushes);
  // All had to move, with a room and self.
  expect(report.counts.recovered).toBeGreaterThan(2 * CLIENTS);

  // A node's clients are told over three quarters of its drain, and spread over all the others.
  const told = CLIENTS / NODES / (0.75 * DRAIN_SECONDS);
  for (const { url, peakASecond } of report.connects) {
    expect(peakASecond, `new connections a second at ${url}`).toBeLessThan(told);
  }
});
