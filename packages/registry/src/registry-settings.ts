import type { RegistryOptions } from "./create-registry.ts";
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

/** What `createRegistry` takes, from a process's settings. */
export function registryOptions(settings: RegistrySettings): RegistryOptions {
  switch (settings.REGISTRY) {
    case "etcd":
      return {
        kind: "etcd",
        endpoints: settings.ETCD_ENDPOINTS ?? [],
        registrationTtlS: settings.REGISTRATION_TTL_S,
      };
    case "static":
      return { kind: "static", addresses: settings.NODES ?? [] };
    case "memory":
      return { kind: "memory", memory: new RegistryMemory() };
  }
}
