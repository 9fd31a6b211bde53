import type { SecretFiles } from "../config/files.ts";
import type { Config } from "../config/schema.ts";

type Tls = Config["tls"];

/** The keys of a Secret with a certificate, as Kubernetes and cert-manager name them. */
export const TLS_KEYS = { certificate: "tls.crt", key: "tls.key", ca: "ca.crt" } as const;

/**
 * What a service has of its certificate: it shows the same one at its gRPC port, to those that it calls
 * and to etcd.
 */
export function tlsFiles(
  { enabled, secrets }: Tls,
  service: "pushManager" | "connectNode",
): SecretFiles {
  if (!enabled) return {};
  const name = secrets[service];
  const of = (key: string) => ({ name, key });
  return {
    GRPC_TLS_CERT_FILE: of(TLS_KEYS.certificate),
    GRPC_TLS_KEY_FILE: of(TLS_KEYS.key),
    GRPC_TLS_CA_FILE: of(TLS_KEYS.ca),
    ETCD_CERT_FILE: of(TLS_KEYS.certificate),
    ETCD_KEY_FILE: of(TLS_KEYS.key),
    ETCD_CA_FILE: of(TLS_KEYS.ca),
  };
}
