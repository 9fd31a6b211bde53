import type { Run } from "./run.ts";
import type { Situation } from "./situation.ts";

/** What a quantity is added up from. */
export interface Term {
  /** What its coefficient is the cost of. */
  readonly of: string;
  /** How much of that there is a second. @param wakeUps how many of so many events wake a process */
  readonly amount: (situation: Situation, wakeUps: (events: number) => number) => number;
}

/** Something that is measured in runs and predicted from a situation. */
export interface Quantity {
  readonly unit: "cores" | "bytes";
  readonly terms: readonly Term[];
  /** Undefined where the run does not have it. */
  readonly measured: (run: Run) => number | undefined;
  /** Values below it are as good as it: relative errors of next to nothing say nothing. */
  readonly floor: number;
  /** Whether events that come close together wake the process once. */
  readonly hasWakeUps: boolean;
}

const KIB = 1024;
export const PEER_READ = "a read of a peer's log, and being read";

/** A manager's part of all groups. */
function groupsOfManager({ groups, managers }: Situation): number {
  return groups / managers;
}

/** The processor time that one manager takes. */
export const MANAGER_CPU: Quantity = {
  unit: "cores",
  floor: 0.02,
  hasWakeUps: true,
  measured: ({ managerCores }) => managerCores,
  terms: [
    { of: "being there", amount: () => 1 },
    {
      of: "a heartbeat on a link on which nothing else was sent for a second",
      amount: (situation) => situation.nodes * Math.max(0, 1 - groupsOfManager(situation)),
    },
    {
      of: "a wake-up",
      amount: (situation, wakeUps) => wakeUps(groupsOfManager(situation) * (1 + situation.nodes)),
    },
    { of: "a message of pushes, with its answer", amount: groupsOfManager },
    { of: "a push", amount: ({ pushes, managers }) => pushes / managers },
    {
      of: "a KiB of content from a publisher",
      amount: ({ pushes, managers, contentBytes }) => ((pushes / managers) * contentBytes) / KIB,
    },
    {
      of: "a message to a node, with its acknowledgement",
      amount: (situation) => groupsOfManager(situation) * situation.nodes,
    },
    {
      of: "an outcome: a push and node that had a member",
      amount: ({ pushes, managers, matchedNodes }) => (pushes / managers) * matchedNodes,
    },
    {
      of: "a KiB of content to a node",
      amount: ({ pushes, managers, nodes, contentBytes }) =>
        ((pushes / managers) * nodes * contentBytes) / KIB,
    },
  ],
};

/** The processor time that one node takes. */
export const NODE_CPU: Quantity = {
  unit: "cores",
  floor: 0.02,
  hasWakeUps: true,
  measured: ({ nodeCores }) => nodeCores,
  terms: [
    { of: "being there", amount: () => 1 },
    { of: "a ping to a client", amount: ({ pings }) => pings },
    { of: PEER_READ, amount: ({ peerReads }) => peerReads },
    { of: "a wake-up", amount: ({ groups }, wakeUps) => wakeUps(groups) },
    { of: "a message from a manager, with its acknowledgement", amount: ({ groups }) => groups },
    { of: "a publication", amount: ({ pushes }) => pushes },
    { of: "a publication that has a member here", amount: ({ matched }) => matched },
    { of: "a write to a client", amount: ({ sends }) => sends },
    {
      of: "a KiB of content from a manager",
      amount: ({ pushes, contentBytes }) => (pushes * contentBytes) / KIB,
    },
    {
      of: "a KiB of content to a client",
      amount: ({ deliveries, contentBytes }) => (deliveries * contentBytes) / KIB,
    },
  ],
};

/** What one node reads: from all managers, and what its clients and peers say. */
export const LINK_BYTES: Quantity = {
  unit: "bytes",
  floor: 500,
  hasWakeUps: false,
  measured: ({ linkBytesPerSecond }) => linkBytesPerSecond,
  terms: [
    { of: "being there", amount: () => 1 },
    { of: "a ping to a client: its pong", amount: ({ pings }) => pings },
    { of: PEER_READ, amount: ({ peerReads }) => peerReads },
    { of: "a message from a manager", amount: ({ groups }) => groups },
    { of: "a publication, beside its content", amount: ({ pushes }) => pushes },
    { of: "a byte of content", amount: ({ pushes, contentBytes }) => pushes * contentBytes },
  ],
};

/** What one node answers all managers. */
export const ACK_BYTES: Quantity = {
  unit: "bytes",
  floor: 500,
  hasWakeUps: false,
  measured: ({ ackBytesPerSecond }) => ackBytesPerSecond,
  terms: [
    { of: "being there", amount: () => 1 },
    { of: PEER_READ, amount: ({ peerReads }) => peerReads },
    { of: "a message from a manager", amount: ({ groups }) => groups },
    { of: "a publication", amount: ({ pushes }) => pushes },
    { of: "a publication that has a member here", amount: ({ matched }) => matched },
    { of: "a byte of content", amount: ({ pushes, contentBytes }) => pushes * contentBytes },
  ],
};

/** What one client gets. */
export const DELIVERY_BYTES: Quantity = {
  unit: "bytes",
  floor: 1,
  hasWakeUps: false,
  measured: ({ bytesPerDelivery }) => bytesPerDelivery,
  terms: [
    { of: "a delivery, beside its content", amount: () => 1 },
    { of: "a byte of content", amount: ({ contentBytes }) => contentBytes },
  ],
};
