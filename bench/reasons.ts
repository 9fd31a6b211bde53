/**
 * Why goals are missed, by the name of the workload or the scenario. Shown where one is missed, with the
 * figures of the run: what stands here has been measured, and is looked at anew with each published run.
 */
export const REASONS: Readonly<Record<string, string>> = {
  "1,000 in a room, 400 msg/s": `nchan cost 2.1 µs in one round, at a p50 of 24 ms, and 3.2 in the other, where its
  clients were more than a second behind.`,
  "burst of 1,000 to 1,000": `What is left is bytes and the start of a process: 30 % of the node's time is the copy
  into the kernel, and a message has twice the bytes of a peer's (id, room, target, type and time); 14 % is V8
  that still compiles. Fewer and larger writes (\`SESSION_BUFFER_BYTES\` of 1 MiB) cost the same.`,
  "1,000 in a room, 30 msg/s": `There is nothing to join, so each delivery is one \`send(2)\`: 67 % of the node's
  time. In an earlier profile of the same workload Node's stream took 18 % beside it.`,
  "100 rooms × 10, 5,000 msg/s": `There is nothing to join, so each delivery is one \`send(2)\`: 52 % of the node's
  time. In an earlier profile of the same workload Node's stream took 14 % beside it, garbage collection 8 %, taking in
  and acknowledging pushes 5 %, building frames 4 %.`,
  "idle sessions": `It is the growth of the process, garbage of 10,000 handshakes included; what is still held after
  a collection is in the table (*held*). From 5,000 to 15,000 sessions a process grew by 4.8 KB each, and another
  run of 75 s took 1.7 % of a core (performance.md).`,
};
