import { expect, onTestFinished, test } from "vitest";
import type { Settings } from "../support/processes.ts";
import { cutOff } from "./faults.ts";
import { Scene } from "./scene.ts";

/** Room for some dozens of publications. */
const LOG_BYTES = 20_000;

/** A node is cut off for longer than the manager's log reaches. */
async function cutOffForTooLong(nodeSettings: Settings) {
  const scene = await Scene.start({
    nodes: 2,
    managers: 1,
    logSeconds: 60,
    lagSeconds: 1,
    settings: { LOG_BYTES },
    nodeSettings,
  });
  onTestFinished(() => scene.close());
  const { cluster } = scene;
  const { report, retries } = await scene.play(
    // So few rooms and so many broadcasts that every subscription lacks something of a long hole.
    { clients: 40, rooms: 4, pushesPerSecond: 100, everyBroadcast: 10, seed: 1 },
    async (play) => {
      await play.publisher.more(50);
      await cutOff(play, cluster.node(0), 300);
      await play.publisher.more(50);
    },
  );
  expect(retries).toBe(0);
  expect(report.faults).toEqual([]);
  expect(report.counts).toMatchObject({ lost: 0, repeated: 0, outOfOrder: 0, misdirected: 0 });
  expect(report.counts.missed).toBeGreaterThan(0);
  const metrics = await cluster.node(0).metrics();
  const sessions = metrics.value("connect_node_sessions");
  const holes = metrics.value("connect_node_gaps_total", { reason: "link" });
  expect(report.usersWithGaps).toHaveLength(sessions);
  // A room and self of each.
  expect(report.counts.gaps).toBe(2 * sessions * holes);
  return { holes, needlessGaps: report.counts.needlessGaps };
}

test("what the manager's log has lost is a hole at the node, and a gap to the sessions that are open there", async () => {
  // No peer fills a part of it.
  const { holes, needlessGaps } = await cutOffForTooLong({ REATTACH_SECONDS: 3_600 });
  expect(holes).toBe(1);
  expect(needlessGaps).toBe(0);
});

test("so is each part of it that the peers' logs have lost, too", async () => {
  // A short hole may lack nothing of some subscriptions, which nobody can know.
  const { holes } = await cutOffForTooLong({ REATTACH_SECONDS: 1 });
  expect(holes).toBeGreaterThan(1);
});
