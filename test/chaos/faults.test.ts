import { describe, expect, test } from "vitest";
import type { Direction } from "../support/fault-proxy.ts";
import type { CrowdPlan, Outcome } from "./scene.ts";
import { Scene } from "./scene.ts";

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
        settings: { LOG_SECONDS: 60 },
        nodeSettings: { LAG_SECONDS: 1, REATTACH_SECONDS: 1, WARM_SECONDS: 5, DRAIN_SECONDS: 1 },
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
  expect(report.counts).toMatchObject({
    lost: 0,
    missed: 0,
    repeated: 0,
    outOfOrder: 0,
    misdirected: 0,
    gaps: 0,
    notRecovered: 0,
  });
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
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async (publisher) => {
      await publisher.more(50);
      const { proxy } = cluster.node(0);
      await proxy.suspend();
      await cluster.unlinked(cluster.node(0));
      await publisher.more(200);
      await proxy.resume();
      await cluster.linked();
      await publisher.more(50);
    });
    expectUndisturbed(outcome);
  });

  it.for<Direction>(["to-target", "to-client"])(
    "when a link is dead %s until it is torn down",
    async (direction, { scene }) => {
      const { cluster } = scene;
      const outcome = await scene.play(CROWD, async (publisher) => {
        await publisher.more(50);
        const { proxy } = cluster.node(1);
        proxy.pause(direction);
        await cluster.unlinked(cluster.node(1));
        await publisher.more(50);
        proxy.unpause();
        await cluster.linked();
        await publisher.more(50);
      });
      expectUndisturbed(outcome);
    },
  );

  it("when etcd is killed, and when it is frozen, for longer than a lease", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async (publisher) => {
      await publisher.more(50);
      await cluster.etcd.stop();
      await publisher.more(300);
      await cluster.etcd.start();
      await publisher.more(50);
      cluster.etcd.freeze();
      await publisher.more(300);
      cluster.etcd.thaw();
      await publisher.more(50);
    });
    expectUndisturbed(outcome);
    expect(outcome.retries).toBe(0);
  });

  it("when a manager is killed and its pushes are retried with their keys", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async (publisher) => {
      await publisher.more(50);
      await cluster.killManagers(cluster.managers.slice(0, 1));
      await publisher.more(50);
    });
    expectUndisturbed(outcome);
    expect(outcome.retries).toBeGreaterThan(0);
  });

  it("when two managers are killed at once", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async (publisher) => {
      await publisher.more(50);
      await cluster.killManagers(cluster.managers.slice(0, 2));
      await publisher.more(50);
    });
    expectUndisturbed(outcome);
    expect(outcome.retries).toBeGreaterThan(0);
  });

  it("when the managers are restarted one by one", async ({ scene }) => {
    const { cluster } = scene;
    const outcome = await scene.play(CROWD, async (publisher) => {
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
    const outcome = await scene.play(CROWD, async (publisher) => {
      await publisher.more(50);
      await cluster.killNode(cluster.node(2));
      await publisher.more(50);
    });
    expectAllDelivered(outcome);
    // Its clients, each with a room and self.
    expect(outcome.report.counts.recovered).toBeGreaterThan(20);
  });
});
