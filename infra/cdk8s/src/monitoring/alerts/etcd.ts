import type { AlertGroup, AlertScope } from "./alert.ts";

/** etcd, where the nodes register. */
export function etcdAlerts({ selectors: { etcd }, etcdMembers }: AlertScope): AlertGroup {
  const majority = Math.floor(etcdMembers / 2) + 1;
  return {
    name: "pushcast-etcd",
    alerts: [
      {
        name: "PushcastEtcdUnavailable",
        severity: "critical",
        expr: `(sum(etcd_server_has_leader{${etcd}}) or vector(0)) < ${majority}`,
        for: "1m",
        summary: `{{ $value }} etcd members have a leader; it takes ${majority}`,
        description: "Pushes go on to the nodes that are known. Nodes that start are not found.",
      },
      {
        name: "PushcastEtcdMembersMissing",
        severity: "warning",
        expr: `(sum(up{${etcd}}) or vector(0)) < ${etcdMembers}`,
        for: "5m",
        summary: `{{ $value }} of ${etcdMembers} etcd members answer`,
        description: `With fewer than ${majority} it stands still.`,
      },
      {
        name: "PushcastEtcdLeaderChanges",
        severity: "warning",
        expr: `max(increase(etcd_server_leader_changes_seen_total{${etcd}}[15m])) > 3`,
        for: "5m",
        summary: "etcd has elected {{ $value | humanize }} leaders in 15 minutes",
        description:
          "It stands still during each election. Its disks or its processors are too slow.",
      },
      {
        name: "PushcastEtcdDiskSlow",
        severity: "warning",
        expr: `histogram_quantile(0.99, sum by (pod, le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket{${etcd}}[5m]))) > 0.25`,
        for: "10m",
        summary:
          "The disk of {{ $labels.pod }} takes {{ $value | humanizeDuration }} to keep a write",
        description: "Beyond the heartbeat and election times, etcd loses its leader.",
      },
      {
        name: "PushcastEtcdDatabaseNearQuota",
        severity: "warning",
        expr: `max by (pod) (etcd_mvcc_db_total_size_in_bytes{${etcd}} / etcd_server_quota_backend_bytes{${etcd}}) > 0.8`,
        for: "10m",
        summary:
          "The database of {{ $labels.pod }} has {{ $value | humanizePercentage }} of its quota",
        description: "At the quota etcd takes no writes: no node registers.",
      },
    ],
  };
}
