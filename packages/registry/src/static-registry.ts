import { isAddress } from "./address.ts";
import type { NodeRecord } from "./node-record.ts";
import type { Registration, Registry, Watch } from "./registry.ts";
import { RegistryOptionsError } from "./registry-options-error.ts";

export interface StaticRegistryOptions {
  readonly kind: "static";
  /** `host:port` of each node's gRPC server. */
  readonly addresses: readonly string[];
}

/**
 * Nodes that were listed once and are taken to be there for ever. A node's id is its address, until
 * the node itself says another on its link. Registering does nothing.
 */
export class StaticRegistry implements Registry {
  readonly #nodes: readonly NodeRecord[];
  readonly #watches = new Set<StaticWatch>();

  /** Throws RegistryOptionsError. */
  constructor(options: StaticRegistryOptions) {
    for (const address of options.addresses) {
      if (!isAddress(address)) {
        throw new RegistryOptionsError(`node ${JSON.stringify(address)} is not like host:port`);
      }
    }
    this.#nodes = options.addresses.map((address) => ({
      nodeId: address,
      grpcAddress: address,
      state: "ready",
      zone: "",
      version: "",
      startedAt: "",
    }));
  }

  register(_node: NodeRecord): Registration {
    const done = Promise.resolve();
    return { registered: done, update: () => done, release: () => done };
  }

  watch(listener: (nodes: ReadonlyMap<string, NodeRecord>) => void): Watch {
    const watch = new StaticWatch(() => {
      listener(new Map(this.#nodes.map((node) => [node.nodeId, node])));
    });
    this.#watches.add(watch);
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
  }
}

class StaticWatch implements Watch {
  readonly synced: Promise<void>;
  #isClosed = false;

  constructor(announce: () => void) {
    this.synced = new Promise((resolve) => {
      queueMicrotask(() => {
        if (this.#isClosed) return;
        announce();
        resolve();
      });
    });
  }

  close(): void {
    this.#isClosed = true;
  }
}
