import type { FileFollower } from "./file-follower.ts";
import { parseCa, parseOwnTls, type TlsMaterial } from "./tls-material.ts";
import type { TransportCounters } from "./transport-metrics.ts";

/** The settings of TLS to etcd. */
export interface EtcdTlsSettings {
  readonly ETCD_CA_FILE: string | undefined;
  readonly ETCD_CERT_FILE: string | undefined;
  readonly ETCD_KEY_FILE: string | undefined;
}

/**
 * What connections to etcd take, as it is when they are made.
 * @returns undefined where the settings name no files
 * @throws InvalidSettings
 */
export function openEtcdTls(
  { ETCD_CA_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE }: EtcdTlsSettings,
  files: FileFollower,
  counters: TransportCounters,
): (() => TlsMaterial) | undefined {
  if (!ETCD_CA_FILE) return undefined;
  if (!ETCD_CERT_FILE || !ETCD_KEY_FILE) {
    const ca = files.open({ name: "etcd_tls", paths: { ETCD_CA_FILE }, parse: parseCa });
    return () => ca.value;
  }
  const own = files.open({
    name: "etcd_tls",
    paths: { ETCD_CERT_FILE, ETCD_KEY_FILE, ETCD_CA_FILE },
    parse: parseOwnTls,
    onLoaded: ({ expiresAtMs }) => counters.expiresAt("etcd_tls", expiresAtMs),
  });
  return () => own.value;
}
