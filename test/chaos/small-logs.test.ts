import { expect, onTestFinished, test } from "vitest";
import { Scene } from "./scene.ts";

/** Room for some dozens of publications. */
const LOG_BYTES = 20_000;

test("past the log's window, just the clients of the node that was cut off are told of a gap", async () => {
  const scene = await Scene.start({
    nodes: 2,
    managers: 1,
    settings: { LOG_BYTES, LOG_SECONDS: 60 },
    nodeSettings: { LAG_SECONDS: 1, REATTACH_SECONDS: 1 },
  });
  onTestFinished(() => scene.close());
  const { cluster } = scene;
  const { report, ...told } = await scene.play(
    // So few rooms and so many broadcasts that every subscription lacks something.
    { clients: 40, rooms: 4, pushesPerSecond: 100, everyBroadcast: 10, seed: 1 },
    async (publisher) => {
      await publisher.more(50);
      const cutOff = cluster.node(0);
      await cutOff.proxy.suspend();
      await cluster.unlinked(cutOff);
      await publisher.more(300);
      await cutOff.proxy.resume();
      await cluster.linked();
      await publisher.more(50);
    },
  );
  expect(told.retries).toBe(0);
  expect(report.faults).toEqual([]);
  expect(report.counts).toMatchObject({ lost: 0, repeated: 0, outOfOrder: 0, misdirected: 0 });
  expect(report.counts.missed).toBeGreaterThan(0);
  // A room and self of each.
  const sessions = (await cluster.node(0).metrics()).value("connect_node_sessions");
  expect(report.usersWithGaps).toHaveLength(sessions);
  expect(report.counts).toMatchObject({ gaps: 2 * sessions, needlessGaps: 0 });
});
