import type { NodeRecord, NodeState } from "./node-record.ts";

/** Who is alive, and saying that one is. */
export interface Registry {
  /** Starts keeping this node registered; returns at once and goes on by itself through outages. */
  register(node: NodeRecord): Registration;

  /**
   * Calls the listener with the whole set whenever it changes; the first call is when the first
   * list has been read. A list that cannot be read calls nobody: the last known nodes stand. The map
   * is the listener's to keep. The listener must not throw.
   */
  watch(listener: (nodes: ReadonlyMap<string, NodeRecord>) => void): Watch;

  /** Releases what is still registered and ends the watches. Never rejects. */
  close(): Promise<void>;
}

/** One node that is kept registered. */
export interface Registration {
  /** Resolves when registered for the first time; stays pending if released before. */
  readonly registered: Promise<void>;

  /**
   * Changes the node's record. Resolves when the registry has it, or after a bounded wait when the
   * registry cannot be reached: then it is written as soon as it can be. Never rejects.
   */
  update(change: { readonly state: NodeState }): Promise<void>;

  /**
   * Gives the lease back. Resolves when the key is gone, or after a bounded wait when the registry
   * cannot be reached: then the key goes with its lease. Never rejects; a second call is the first.
   */
  release(): Promise<void>;
}

/** A listener that is being told who is alive. */
export interface Watch {
  /** Resolves when the first list has been read; stays pending if closed before. */
  readonly synced: Promise<void>;

  /** The listener is not called again. */
  close(): void;
}

/**
 * What a registry tells the outside, for logs and metrics. Called synchronously; it must not throw.
 *
 * The static and the memory registry have no faults to tell and send no events.
 */
export type RegistryEvents = (event: RegistryEvent) => void;

export type RegistryEvent =
  /** The node's key was written under a new lease. */
  | { readonly type: "registered"; readonly nodeId: string }
  /** A lease could not be had or the key not be written under it; tried again after `retryInMs`. */
  | {
      readonly type: "registration-failed";
      readonly nodeId: string;
      readonly error: Error;
      readonly retryInMs: number;
    }
  /** The lease may still live, but could not be renewed; tried again after `retryInMs`. */
  | {
      readonly type: "renewal-failed";
      readonly nodeId: string;
      readonly error: Error;
      readonly retryInMs: number;
    }
  /** The lease is gone, or too old to be alive. A new one is taken after `retryInMs`. */
  | {
      readonly type: "lease-lost";
      readonly nodeId: string;
      readonly error: Error;
      readonly retryInMs: number;
    }
  /** Somebody else removed or changed the node's key while the lease lived; it was put again. */
  | { readonly type: "record-restored"; readonly nodeId: string }
  /** The lease could not be given back in time; the key stays until the lease ends. */
  | {
      readonly type: "release-failed";
      readonly nodeId: string;
      readonly error: Error;
    }
  /** Changes are no longer seen; the last known nodes stand. Once an outage. */
  | {
      readonly type: "watch-lost";
      readonly error: Error;
      readonly retryInMs: number;
    }
  /** Another try to list and watch failed, at the start or after `watch-lost`. */
  | {
      readonly type: "sync-failed";
      readonly error: Error;
      readonly retryInMs: number;
    }
  /**
   * A list was read again and the difference applied: after `watch-lost`, or when the periodic list
   * found one. Not sent for the first list, nor for a periodic list without a difference.
   */
  | {
      readonly type: "resynced";
      readonly added: number;
      readonly changed: number;
      readonly removed: number;
    }
  /** A value was skipped. Once for each key and value. */
  | {
      readonly type: "invalid-record";
      readonly key: string;
      readonly problem: string;
    };

const EVENT_TYPES: Readonly<Record<RegistryEvent["type"], true>> = {
  registered: true,
  "registration-failed": true,
  "renewal-failed": true,
  "lease-lost": true,
  "record-restored": true,
  "release-failed": true,
  "watch-lost": true,
  "sync-failed": true,
  resynced: true,
  "invalid-record": true,
};

/** Every type of event, for counters that begin at 0. */
export const REGISTRY_EVENT_TYPES = Object.keys(EVENT_TYPES) as readonly RegistryEvent["type"][];
