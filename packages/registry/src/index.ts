export { createRegistry, type RegistryOptions } from "./create-registry.ts";
export type { EtcdAlarm, EtcdMember, EtcdTls } from "./etcd-client.ts";
export type { EtcdRegistryOptions } from "./etcd-registry.ts";
export {
  type EtcdNodeKey,
  type EtcdReport,
  inspectEtcd,
} from "./etcd-report.ts";
export { logRegistryEvent } from "./event-log.ts";
export {
  type MemoryRegistryOptions,
  RegistryMemory,
} from "./memory-registry.ts";
export type { NodeRecord, NodeState } from "./node-record.ts";
export {
  REGISTRY_EVENT_TYPES,
  type Registration,
  type Registry,
  type RegistryEvent,
  type RegistryEvents,
  type Watch,
} from "./registry.ts";
export { RegistryOptionsError } from "./registry-options-error.ts";
export { type RegistrySettings, registryOptions } from "./registry-settings.ts";
export type { StaticRegistryOptions } from "./static-registry.ts";
