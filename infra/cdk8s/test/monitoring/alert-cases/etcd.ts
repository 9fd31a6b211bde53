import { type AlertCase, always, etcd, perMinute } from "./alert-case.ts";

const member1 = { pod: "etcd-1" };
const member2 = { pod: "etcd-2" };
const member3 = { pod: "etcd-3" };

export const etcdCases: readonly AlertCase[] = [
  {
    alert: "PushcastEtcdUnavailable",
    fires: {
      series: {
        [etcd("etcd_server_has_leader", member1)]: always(1),
        [etcd("etcd_server_has_leader", member2)]: always(0),
      },
      atMinute: 1,
      labels: {},
      value: "1",
    },
    quiet: {
      [etcd("etcd_server_has_leader", member1)]: always(1),
      [etcd("etcd_server_has_leader", member2)]: always(1),
    },
  },
  {
    alert: "PushcastEtcdMembersMissing",
    fires: {
      series: { [etcd("up", member1)]: always(1), [etcd("up", member2)]: always(1) },
      atMinute: 5,
      labels: {},
      value: "2",
    },
    quiet: {
      [etcd("up", member1)]: always(1),
      [etcd("up", member2)]: always(1),
      [etcd("up", member3)]: always(1),
    },
  },
  {
    alert: "PushcastEtcdLeaderChanges",
    fires: {
      series: {
        [etcd("etcd_server_leader_changes_seen_total", member1)]: perMinute(1),
        [etcd("etcd_server_leader_changes_seen_total", member2)]: perMinute(1),
      },
      atMinute: 9,
      labels: {},
      value: "9",
    },
    quiet: { [etcd("etcd_server_leader_changes_seen_total")]: "1+0x9 2 3+0x40" },
  },
  {
    alert: "PushcastEtcdDiskSlow",
    fires: {
      series: {
        [etcd("etcd_disk_wal_fsync_duration_seconds_bucket", { le: "0.256" })]: perMinute(98),
        [etcd("etcd_disk_wal_fsync_duration_seconds_bucket", { le: "0.512" })]: perMinute(100),
        [etcd("etcd_disk_wal_fsync_duration_seconds_bucket", { le: "+Inf" })]: perMinute(100),
      },
      atMinute: 11,
      labels: { pod: "etcd-1" },
      value: "384ms",
    },
    quiet: {
      [etcd("etcd_disk_wal_fsync_duration_seconds_bucket", { le: "0.128" })]: perMinute(99),
      [etcd("etcd_disk_wal_fsync_duration_seconds_bucket", { le: "+Inf" })]: perMinute(100),
    },
  },
  {
    alert: "PushcastEtcdDatabaseNearQuota",
    fires: {
      series: {
        [etcd("etcd_mvcc_db_total_size_in_bytes")]: always(90),
        [etcd("etcd_server_quota_backend_bytes")]: always(100),
      },
      atMinute: 10,
      labels: { pod: "etcd-1" },
      value: "90%",
    },
    quiet: {
      [etcd("etcd_mvcc_db_total_size_in_bytes")]: always(80),
      [etcd("etcd_server_quota_backend_bytes")]: always(100),
    },
  },
];
