import { expect, onTestFinished, test } from "vitest";
import { cutOff } from "./faults.ts";
import { Scene } from "./scene.ts";

/** Room for some dozens of publications. */
const LOG_BYTES = 20_000;

test("what the manager's log has lost is a hole at the node, and a gap to the sessions that are open there", async () => {
  const scene = await Scene.start({
    nodes: 2,
    managers: 1,
    logSeconds: 60,
    lagSeconds: 1,
    settings: { LOG_BYTES },
    // No peer fills a part of the hole.
    nodeSettings: { REATTACH_SECONDS: 3_600 },
  });
  onTestFinished(() => scene.close());
  const { cluster } = scene;
  const { report, ...told } = await scene.play(
    // So few rooms and so many broadcasts that every subscription lacks something.
    { clients: 40, rooms: 4, pushesPerSecond: 100, everyBroadcast: 10, seed: 1 },
    async (play) => {
      await play.publisher.more(50);
      await cutOff(play, cluster.node(0), 300);
      await play.publisher.more(50);
    },
  );
  expect(told.retries).toBe(0);
  expect(report.faults).toEqual([]);
  expect(report.counts).toMatchObject({ lost: 0, repeated: 0, outOfOrder: 0, misdirected: 0 });
  expect(report.counts.missed).toBeGreaterThan(0);
  const sessions = (await cluster.node(0).metrics()).value("connect_node_sessions");
  expect(report.usersWithGaps).toHaveLength(sessions);
  // A room and self of each.
  expect(report.counts.gaps).toBeGreaterThanOrEqual(2 * sessions);
  expect(report.counts.needlessGaps).toBe(0);
});
