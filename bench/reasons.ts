/**
 * Why goals are missed, by the name of the workload or the scenario. Shown where one is missed, with the
 * figures of the run: what stands here has been measured, and is looked at anew with each published run.
 */
export const REASONS: Readonly<Record<string, string>> = {
  "1,000 in a room, 30 msg/s": `There is nothing to join, so each delivery is one \`send(2)\`: 70 % of the node's
  time. Node's stream takes about 1.5 of 10.7 µs beside it, and flusher, writer and metrics 1.1. A frame is
  twice as long as a peer's, which has no id, room or time.`,
  "100 rooms × 10, 5,000 msg/s": `There is nothing to join, so each delivery is one \`send(2)\`: 58 % of the
  node's time; 5 % is garbage collection.`,
};
