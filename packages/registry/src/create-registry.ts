import { EtcdRegistry, type EtcdRegistryOptions } from "./etcd-registry.ts";
import { MemoryRegistry, type MemoryRegistryOptions } from "./memory-registry.ts";
import type { Registry, RegistryEvents } from "./registry.ts";
import { StaticRegistry, type StaticRegistryOptions } from "./static-registry.ts";

export type RegistryOptions = EtcdRegistryOptions | StaticRegistryOptions | MemoryRegistryOptions;

/** Connects to nothing before `register` or `watch`. Throws RegistryOptionsError. */
export function createRegistry(options: RegistryOptions, events: RegistryEvents): Registry {
  switch (options.kind) {
    case "etcd":
      return new EtcdRegistry(options, events);
    case "static":
      return new StaticRegistry(options);
    case "memory":
      return new MemoryRegistry(options);
  }
}
