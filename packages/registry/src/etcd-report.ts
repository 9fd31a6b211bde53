import {
  type EtcdAlarm,
  EtcdClient,
  type EtcdEntry,
  type EtcdMember,
  type EtcdTls,
} from "./etcd-client.ts";
import { decodeNodeRecord, NODE_KEY_PREFIX, type NodeRecord } from "./node-record.ts";

/** The key of a node as etcd has it. */
export interface EtcdNodeKey {
  readonly key: string;
  /** Undefined if the value does not parse. */
  readonly record?: NodeRecord;
  /** Why it does not. */
  readonly problem?: string;
  /** How long the key stays if its node does not renew it, in seconds; undefined without a lease. */
  readonly remainingS?: number;
}

/** What one member of etcd says: of itself, and of the nodes. */
export interface EtcdReport {
  readonly member: EtcdMember;
  readonly alarms: readonly EtcdAlarm[];
  readonly keys: readonly EtcdNodeKey[];
}

/** Leases that are asked for at once. */
const LEASES_AT_ONCE = 16;
const NO_LEASE = "0";

/**
 * Asks one etcd what there is to know, and changes nothing.
 * @param endpoint URL of host and port
 * @param timeoutMs for each of its calls
 * @throws Error that says which call failed, and why
 */
export async function inspectEtcd(
  endpoint: string,
  { timeoutMs, tls }: { readonly timeoutMs: number; readonly tls?: EtcdTls },
): Promise<EtcdReport> {
  const client = new EtcdClient([endpoint], timeoutMs, () => tls);
  try {
    const [member, alarms, { entries }] = await Promise.all([
      client.member(),
      client.alarms(),
      client.list(NODE_KEY_PREFIX),
    ]);
    const keys: EtcdNodeKey[] = [];
    for (let from = 0; from < entries.length; from += LEASES_AT_ONCE) {
      const some = entries.slice(from, from + LEASES_AT_ONCE);
      keys.push(...(await Promise.all(some.map((entry) => toNodeKey(client, entry)))));
    }
    return { member, alarms, keys };
  } finally {
    client.close();
  }
}

async function toNodeKey(client: EtcdClient, entry: EtcdEntry): Promise<EtcdNodeKey> {
  const { key, value, leaseId } = entry;
  if (leaseId === NO_LEASE) return { key, ...decodeNodeRecord(key, value) };
  const remainingS = await client.leaseRemainingS(leaseId);
  return { key, ...decodeNodeRecord(key, value), remainingS };
}
