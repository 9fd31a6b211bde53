import { type AlertCase, always, etcd, manager, node } from "./alert-case.ts";

const up = { pod1: { pod: "1" }, pod2: { pod: "2" }, pod3: { pod: "3" } };

export const podCases: readonly AlertCase[] = [
  {
    alert: "PushcastConnectNodesMissing",
    fires: {
      series: {
        [node("up", up.pod1)]: always(1),
        [node("up", up.pod2)]: always(1),
        [node("up", up.pod3)]: always(0),
      },
      atMinute: 2,
      labels: {},
      value: "2",
    },
    quiet: {
      [node("up", up.pod1)]: always(1),
      [node("up", up.pod2)]: always(1),
      [node("up", up.pod3)]: always(1),
    },
  },
  {
    alert: "PushcastPushManagersMissing",
    // Where none was ever scraped there is no series at all.
    fires: { series: { [node("up")]: always(1) }, atMinute: 2, labels: {}, value: "0" },
    quiet: { [manager("up", up.pod1)]: always(1), [manager("up", up.pod2)]: always(1) },
  },
  {
    alert: "PushcastPodUnreachable",
    fires: {
      series: { [etcd("up")]: always(0) },
      atMinute: 5,
      labels: { job: "etcd", pod: "etcd-1" },
    },
    // Four minutes in ten.
    quiet: { [etcd("up")]: "1+0x5 0+0x3 1+0x30" },
  },
  {
    alert: "PushcastPodRestarting",
    fires: {
      series: { [node("process_start_time_seconds")]: "100 200 300 400+0x60" },
      atMinute: 4,
      labels: { job: "connect-node", pod: "connect-node-1" },
      value: "3",
    },
    quiet: { [node("process_start_time_seconds")]: "100 200 300+0x60" },
  },
];
