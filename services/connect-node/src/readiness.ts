import type { NodeRecord, NodeState, Registration, Registry } from "@pushcast/registry";
import type { Replication } from "./replication.ts";

/**
 * The way of a node from its first listening to its first session: it copies a peer's log, lets
 * managers attach, registers, and is ready when they have brought what is newer.
 */
export class Readiness {
  /** Resolves when managers may attach: nothing is copied any more that they bring themselves. */
  readonly admitsManagers: Promise<void>;
  readonly #registry: Registry;
  readonly #isDraining: () => boolean;
  readonly #onReady: () => void;
  #admitManagers = () => {};
  #registration: Registration | undefined;
  #registered = false;
  #ready = false;

  constructor(init: {
    registry: Registry;
    /** A node that drains before it is ready goes no further. */
    isDraining: () => boolean;
    onReady: () => void;
  }) {
    this.#registry = init.registry;
    this.#isDraining = init.isDraining;
    this.#onReady = init.onReady;
    this.admitsManagers = new Promise((resolve) => {
      this.#admitManagers = resolve;
    });
  }

  /** Whether the node has registered once. */
  get registered(): boolean {
    return this.#registered;
  }

  /** Whether it is registered and has what the others have. */
  get ready(): boolean {
    return this.#ready;
  }

  /** What it says of itself in the registry, or would if it were registered. */
  get state(): NodeState {
    if (this.#isDraining()) return "draining";
    return this.#ready ? "ready" : "starting";
  }

  /** Goes all the way; resolves at its end, or where a drain has ended it. */
  async begin(replication: Replication, record: Omit<NodeRecord, "state">): Promise<void> {
    await replication.copy();
    this.#admitManagers();
    if (this.#isDraining()) return;
    this.#registration = this.#registry.register({ ...record, state: "starting" });
    await this.#registration.registered;
    this.#registered = true;
    await replication.settle();
    replication.start();
    if (this.#isDraining()) return;
    this.#ready = true;
    void this.#registration.update({ state: "ready" });
    this.#onReady();
  }

  /** The registry says that the node drains. */
  sayDraining(): void {
    void this.#registration?.update({ state: "draining" });
  }

  /** Gives the registration back. */
  async release(): Promise<void> {
    await this.#registration?.release();
  }
}
