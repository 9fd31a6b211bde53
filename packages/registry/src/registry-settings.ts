import type { RegistryOptions } from "./create-registry.ts";
import type { EtcdTls } from "./etcd-client.ts";
import { RegistryMemory } from "./memory-registry.ts";

/** The settings of a process that concern the registry, as read from the environment. */
export interface RegistrySettings {
  readonly REGISTRY: "etcd" | "static" | "memory";
  /** There with `etcd`. */
  readonly ETCD_ENDPOINTS: readonly string[] | undefined;
  /** There with `static`. */
  readonly NODES: readonly string[] | undefined;
  readonly REGISTRATION_TTL_S: number;
}

/**
 * What `createRegistry` takes, from a process's settings.
 * @param etcdTls asked for each new connection to etcd. Default: what the system trusts
 */
export function registryOptions(
  settings: RegistrySettings,
  etcdTls?: () => EtcdTls,
): RegistryOptions {
  switch (settings.REGISTRY) {
    case "etcd":
      return {
        kind: "etcd",
        endpoints: settings.ETCD_ENDPOINTS ?? [],
        registrationTtlS: settings.REGISTRATION_TTL_S,
        ...(etcdTls && { tls: etcdTls }),
      };
    case "static":
      return { kind: "static", addresses: settings.NODES ?? [] };
    case "memory":
      return { kind: "memory", memory: new RegistryMemory() };
  }
}
