import type { Selectors } from "../../selectors.ts";
import { quantilesOf, type Row, rateOf } from "../panel.ts";

/** Where nodes register. */
export function etcdRow({ etcd }: Selectors): Row {
  return {
    title: "etcd",
    panels: [
      {
        title: "Members that have a leader",
        description: "Fewer than the majority: etcd stands still.",
        unit: "short",
        queries: [{ expr: `sum(etcd_server_has_leader{${etcd}})`, legend: "members" }],
      },
      {
        title: "Leader changes",
        description: "In an hour.",
        unit: "short",
        queries: [
          {
            expr: `increase(etcd_server_leader_changes_seen_total{${etcd}}[1h])`,
            legend: "{{pod}}",
          },
        ],
      },
      {
        title: "Writes that are kept",
        description: "How long the disk takes.",
        unit: "s",
        queries: quantilesOf("etcd_disk_wal_fsync_duration_seconds", etcd),
      },
      {
        title: "Database",
        description: "Of its quota.",
        unit: "percentunit",
        queries: [
          {
            expr: `etcd_mvcc_db_total_size_in_bytes{${etcd}} / etcd_server_quota_backend_bytes{${etcd}}`,
            legend: "{{pod}}",
          },
        ],
      },
      {
        title: "Calls",
        description: "That etcd has answered, a second.",
        unit: "ops",
        queries: [
          { expr: rateOf("grpc_server_handled_total", etcd, "grpc_code"), legend: "{{grpc_code}}" },
        ],
      },
    ],
  };
}
