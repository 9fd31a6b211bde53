import type { EtcdNodeKey, EtcdReport } from "@pushcast/registry";
import { type Finding, fail, listed, notChecked, ok, warn } from "../finding.ts";

export interface EtcdFacts {
  readonly report: EtcdReport;
  /** `--quota-backend-bytes`, where etcd's metrics say it. */
  readonly quotaBytes: number | undefined;
  /** The nodes to which the push-manager has a live link; undefined where none was asked. */
  readonly linkedNodeIds: ReadonlySet<string> | undefined;
}

/** From here on etcd is near to refusing writes. */
const QUOTA_SHARE = 0.8;
const NO_LEADER = "0";

/** Judges what one member of etcd says. */
export function checkEtcd({ report, quotaBytes, linkedNodeIds }: EtcdFacts): Finding[] {
  const { member, alarms, keys } = report;
  return [
    checkMember(member),
    checkAlarms(alarms, member.errors),
    checkSize(member, quotaBytes),
    ...checkKeys(keys),
    checkLinked(keys, linkedNodeIds),
  ];
}

function checkMember({ memberId, leaderId, version }: EtcdReport["member"]): Finding {
  if (leaderId === NO_LEADER) {
    return fail(
      "etcd-leader",
      `this member (etcd ${version}) has no leader: nothing can be registered`,
      "More than half of the members must be up and reach each other. docs/runbook.md, PushcastEtcdUnavailable. Pushes to known nodes go on meanwhile.",
    );
  }
  const role = leaderId === memberId ? "this member leads" : "this member follows a leader";
  return ok("etcd-leader", `etcd ${version}, ${role}`);
}

function checkAlarms(
  alarms: EtcdReport["alarms"],
  errors: EtcdReport["member"]["errors"],
): Finding {
  const names = [...new Set(alarms.map(({ alarm }) => alarm))];
  if (names.length === 0 && errors.length === 0) return ok("etcd-alarms", "none");
  const found = `raised: ${listed([...new Set([...names, ...errors])])}`;
  return fail(
    "etcd-alarms",
    found,
    names.includes("NOSPACE")
      ? "etcd takes no writes: no node can register or renew. Compact, `etcdctl defrag`, then `etcdctl alarm disarm`; or raise its --quota-backend-bytes."
      : "See etcd's log. A CORRUPT member must be replaced by an empty one.",
  );
}

function checkSize({ dbSizeBytes, dbSizeInUseBytes }: EtcdReport["member"], quotaBytes?: number) {
  const check = "etcd-size";
  const found = `${mib(dbSizeBytes)} on disk, ${mib(dbSizeInUseBytes)} in use`;
  if (quotaBytes === undefined || !(quotaBytes > 0)) {
    return ok(check, `${found}; its quota is not to be seen at this port`);
  }
  if (dbSizeBytes < QUOTA_SHARE * quotaBytes) {
    return ok(check, `${found} of a quota of ${mib(quotaBytes)}`);
  }
  return warn(
    check,
    `${found}: over ${QUOTA_SHARE * 100} % of the quota of ${mib(quotaBytes)}`,
    "Compact and run `etcdctl defrag`, member by member. Pushcast itself keeps a few hundred bytes a node: see who else writes to this etcd, and that --auto-compaction is on.",
  );
}

function checkKeys(keys: readonly EtcdNodeKey[]): Finding[] {
  const bad = keys.filter(({ problem }) => problem !== undefined);
  const parsed =
    bad.length === 0
      ? ok("etcd-keys", `${keys.length} keys of nodes, all of them read`)
      : warn(
          "etcd-keys",
          `keys that do not parse and are skipped: ${listed(bad.map(({ key, problem }) => `${key} (${problem})`))}`,
          "Delete them, or upgrade this side if a newer version wrote them. Nobody else may write below /pushcast/nodes/.",
        );
  const forever = keys.filter(({ remainingS }) => remainingS === undefined);
  const leases =
    forever.length === 0
      ? ok("etcd-leases", leaseText(keys))
      : warn(
          "etcd-leases",
          `keys without a lease, which stay when their node is gone: ${listed(forever.map(({ key }) => key))}`,
          "Nodes put theirs under a lease: somebody else has put these. Delete them.",
        );
  return [parsed, leases];
}

function leaseText(keys: readonly EtcdNodeKey[]): string {
  if (keys.length === 0) return "no keys";
  const remaining = keys.map(({ remainingS = 0 }) => remainingS);
  return `the next of them would end in ${Math.min(...remaining)} to ${Math.max(...remaining)} s if it were not renewed`;
}

function checkLinked(
  keys: readonly EtcdNodeKey[],
  linkedNodeIds: ReadonlySet<string> | undefined,
): Finding {
  if (linkedNodeIds === undefined) {
    return notChecked(
      "etcd-nodes-linked",
      "whether a push-manager links to the nodes that etcd knows",
      "Give --manager too.",
    );
  }
  const ids = keys.flatMap(({ record }) => record?.nodeId ?? []);
  const unlinked = ids.filter((id) => !linkedNodeIds.has(id));
  if (unlinked.length === 0) {
    const strangers = [...linkedNodeIds].filter((id) => !ids.includes(id));
    if (strangers.length === 0) return ok("etcd-nodes-linked", `all ${ids.length}`);
    return warn(
      "etcd-nodes-linked",
      `the push-manager has links to nodes that this etcd does not know: ${listed(strangers)}`,
      "Manager and doctor look at different etcds, or the nodes have lost their leases: see their logs for `registry:`.",
    );
  }
  return fail(
    "etcd-nodes-linked",
    `in etcd, without a live link of this push-manager: ${listed(unlinked)}`,
    "A node that was killed is gone when its lease ends (REGISTRATION_TTL_S). Else the manager does not reach its address: see node-links.",
  );
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
