import { describe, expect, test } from "vitest";
import type { Direction } from "../support/fault-proxy.ts";
import { cutOff, freezeEtcd, killEtcd, pauseLinks } from "./faults.ts";
import { ALL_DELIVERED, type CrowdPlan, type Outcome, Scene } from "./scene.ts";

const CROWD: CrowdPlan = {
  clients: 100,
  rooms: 20,
  pushesPerSecond: 100,
  everyBroadcast: 100,
  seed: 1,
};

const it = test.extend<{ scene: Scene }>({
  scene: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from the pattern.
    async ({}, use) => {
      const scene = await Scene.start({
        nodes: 3,
        managers: 2,
        logSeconds: 60,
        lagSeconds: 1,
        nodeSettings: { REATTACH_SECONDS: 1, WARM_SECONDS: 5, DRAIN_SECONDS: 1 },
      });
      await use(scene);
      await scene.close();
    },
    { scope: "file" },
  ],
});

/** Every client has everything, once and in order, and was told of no gap. */
function expectAllDelivered({ pushes, report }: Outcome): void {
  expect(report.faults).toEqual([]);
  expect(report.live).toBe(report.clients);
  expect(report.counts).toMatchObject(ALL_DELIVERED);
  // Most pushes go to a room of five.
  expect(report.counts.deliveries).toBeGreaterThan(4 * pushes);
}

/** No client had to connect again. */
function expectUndisturbed(outcome: Outcome): void {
  expectAllDelivered(outcome);
  expect(outcome.report.connects).toEqual([]);
}

describe("within the log's window nothing is lost", () => {
  it("when a node is cut off from the managers", async ({ scene }) => {
    const outcome = await scene.play(CROWD, async (play) => {
      await play.publisher.more(50);
      await cutOff(play, scene.cluster.node(0), 200);
      await play.publisher.more(50);
    });
    expectUndisturbed(outcome);
  });

  it.for<Direction>(["to-target", "to-client"])(
    "when a link is dead %s until it is torn down",
    async (direction, { scene }) => {
      const outcome = await scene.play(CROWD, async (play) => {
        await play.publisher.more(50);
        await pauseLinks(play, scene.cluster.node(1), direction, 50);
        await play.publisher.more(50);
      });
      expectUndisturbed(outcome);
    },
  );

  it("when etcd is killed, and when it is frozen, for longer than a lease", async ({ scene }) => {
    const outcome = await scene.play(CROWD, async (play) => {
      await play.publisher.more(50);
      await killEtcd(play, 300);
      await play.publisher.more(50);
      await freezeEtcd(play, 300);
      await play.publisher.more(50);
    });
    expectUndisturbed(outcome);
    expect(outcome.retries).toBe(0);
  });

  it("when a manager is killed and its pushes are retried with their keys", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async ({ publisher }) => {
      await publisher.more(50);
      await cluster.killManagers(cluster.managers.slice(0, 1));
      await publisher.more(50);
    });
    expectUndisturbed(outcome);
    expect(outcome.retries).toBeGreaterThan(0);
  });

  it("when two managers are killed at once", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async ({ publisher }) => {
      await publisher.more(50);
      await cluster.killManagers(cluster.managers.slice(0, 2));
      await publisher.more(50);
    });
    expectUndisturbed(outcome);
    expect(outcome.retries).toBeGreaterThan(0);
  });

  it("when the managers are restarted one by one", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async ({ publisher }) => {
      for (const manager of [...cluster.managers]) {
        await publisher.more(50);
        await cluster.replaceManager(manager);
      }
      await publisher.more(50);
    });
    expectUndisturbed(outcome);
  });

  it("when a node is killed and its clients resume on others", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async ({ publisher }) => {
      await publisher.more(50);
      await cluster.killNode(cluster.node(2));
      await publisher.more(50);
    });
    expectAllDelivered(outcome);
    // Its clients, each with a room and self.
    expect(outcome.report.counts.recovered).toBeGreaterThan(20);
  });
});
