import { type AlertCase, always, manager, node, perMinute } from "./alert-case.ts";

const onManager = { pod: "push-manager-1" };
const onNode = { pod: "connect-node-1" };
const twoNodesUp = {
  [node("up", { pod: "1" })]: always(1),
  [node("up", { pod: "2" })]: always(1),
  [node("up", { pod: "3" })]: always(0),
};

export const discoveryCases: readonly AlertCase[] = [
  {
    alert: "PushcastNodesUnknown",
    fires: {
      series: {
        ...twoNodesUp,
        [manager("push_manager_nodes", { state: "ready" })]: always(1),
        [manager("push_manager_nodes", { state: "starting" })]: always(0),
      },
      atMinute: 5,
      labels: onManager,
      value: "1",
    },
    quiet: {
      ...twoNodesUp,
      [manager("push_manager_nodes", { state: "ready" })]: always(1),
      [manager("push_manager_nodes", { state: "starting" })]: always(1),
    },
  },
  {
    alert: "PushcastNodesUnregistered",
    fires: {
      series: { [manager("push_manager_nodes", { state: "unregistered" })]: always(2) },
      atMinute: 2,
      labels: onManager,
      value: "2",
    },
    quiet: { [manager("push_manager_nodes", { state: "unregistered" })]: "0 2 2 0+0x30" },
  },
  {
    alert: "PushcastNodeNotReady",
    fires: {
      series: { [node("connect_node_state", { state: "starting" })]: always(1) },
      atMinute: 5,
      labels: onNode,
    },
    quiet: {
      [node("connect_node_state", { state: "starting" })]: "1+0x4 0+0x30",
      [node("connect_node_state", { state: "ready" })]: "0+0x4 1+0x30",
    },
  },
  {
    alert: "PushcastNodeDrainsTooLong",
    fires: {
      series: { [node("connect_node_state", { state: "draining" })]: always(1) },
      // Two minutes to stop, and ten beyond.
      atMinute: 12,
      labels: onNode,
    },
    quiet: { [node("connect_node_state", { state: "draining" })]: "1+0x11 stale" },
  },
  {
    alert: "PushcastRegistryUnreachable",
    fires: {
      series: {
        [node("connect_node_registry_events_total", { type: "renewal-failed" })]: perMinute(4),
      },
      atMinute: 9,
      labels: { ...onNode, job: "connect-node" },
    },
    quiet: {
      [node("connect_node_registry_events_total", { type: "renewal-failed" })]: perMinute(3),
      [node("connect_node_registry_events_total", { type: "resynced" })]: perMinute(4),
    },
  },
  {
    alert: "PushcastRegistryUnreachable",
    fires: {
      series: {
        [manager("push_manager_registry_events_total", { type: "sync-failed" })]: perMinute(60),
      },
      atMinute: 6,
      labels: { ...onManager, job: "push-manager" },
    },
    quiet: {
      [manager("push_manager_registry_events_total", { type: "sync-failed" })]: perMinute(3),
    },
  },
];
