import { type NodeRecord, type NodeState, sameNodeRecord } from "./node-record.ts";
import type { Registration, Registry, Watch } from "./registry.ts";
import { Signal } from "./retry.ts";

export interface MemoryRegistryOptions {
  readonly kind: "memory";
  /** Those who share it see each other. */
  readonly memory: RegistryMemory;
}

/** The nodes of one process, shared by the registries of its parts. */
export class RegistryMemory {
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #watches = new Set<MemoryWatch>();

  get nodes(): ReadonlyMap<string, NodeRecord> {
    return this.#nodes;
  }

  set(node: NodeRecord): void {
    const known = this.#nodes.get(node.nodeId);
    this.#nodes.set(node.nodeId, node);
    if (known === undefined || !sameNodeRecord(known, node)) this.#changed();
  }

  delete(nodeId: string): void {
    if (this.#nodes.delete(nodeId)) this.#changed();
  }

  addWatch(watch: MemoryWatch): void {
    this.#watches.add(watch);
  }

  removeWatch(watch: MemoryWatch): void {
    this.#watches.delete(watch);
  }

  #changed(): void {
    for (const watch of this.#watches) watch.announceSoon();
  }
}

/** Nodes within one process. */
export class MemoryRegistry implements Registry {
  readonly #memory: RegistryMemory;
  readonly #registrations = new Set<MemoryRegistration>();
  readonly #watches = new Set<MemoryWatch>();

  constructor(options: MemoryRegistryOptions) {
    this.#memory = options.memory;
  }

  register(node: NodeRecord): Registration {
    const registration = new MemoryRegistration(this.#memory, node);
    this.#registrations.add(registration);
    return registration;
  }

  watch(listener: (nodes: ReadonlyMap<string, NodeRecord>) => void): Watch {
    const watch = new MemoryWatch(this.#memory, listener);
    this.#watches.add(watch);
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    for (const registration of this.#registrations) await registration.release();
  }
}

class MemoryRegistration implements Registration {
  readonly registered = Promise.resolve();
  readonly #memory: RegistryMemory;
  #node: NodeRecord;
  #isReleased = false;

  constructor(memory: RegistryMemory, node: NodeRecord) {
    this.#memory = memory;
    this.#node = node;
    memory.set(node);
  }

  async update(change: { readonly state: NodeState }): Promise<void> {
    if (this.#isReleased) return;
    this.#node = { ...this.#node, ...change };
    this.#memory.set(this.#node);
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#memory.delete(this.#node.nodeId);
  }
}

class MemoryWatch implements Watch {
  readonly synced: Promise<void>;
  readonly #memory: RegistryMemory;
  readonly #listener: (nodes: ReadonlyMap<string, NodeRecord>) => void;
  readonly #synced = new Signal();
  #isDue = false;
  #isClosed = false;

  constructor(memory: RegistryMemory, listener: (nodes: ReadonlyMap<string, NodeRecord>) => void) {
    this.#memory = memory;
    this.#listener = listener;
    this.synced = this.#synced.promise;
    memory.addWatch(this);
    this.announceSoon();
  }

  /** Once for all changes of one turn; never before `watch` has returned. */
  announceSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.#isClosed) return;
      this.#listener(new Map(this.#memory.nodes));
      this.#synced.resolve();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#memory.removeWatch(this);
  }
}
