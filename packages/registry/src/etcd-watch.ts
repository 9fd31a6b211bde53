import type { EtcdClient } from "./etcd-client.ts";
import { EtcdWatchStream, type KeyChange } from "./etcd-watch-stream.ts";
import { NODE_KEY_PREFIX, type NodeRecord } from "./node-record.ts";
import { NodeSet } from "./node-set.ts";
import type { RegistryEvents, Watch } from "./registry.ts";
import { Alarm, retryDelayMs, Signal, toError } from "./retry.ts";

export interface EtcdWatchOptions {
  /** The watch's own; closed with it. */
  readonly client: EtcdClient;
  readonly listIntervalMs: number;
  readonly watchSilenceMs: number;
  readonly listener: (nodes: ReadonlyMap<string, NodeRecord>) => void;
  readonly events: RegistryEvents;
}

/**
 * Follows the nodes' keys in rounds: list all, apply the difference, watch from the list's revision
 * until the watch fails or the next list is due. No round builds on the revision of one before, so
 * an etcd that was compacted, restored or wiped needs no case of its own.
 */
export class EtcdWatch implements Watch {
  readonly synced: Promise<void>;
  readonly #options: EtcdWatchOptions;
  readonly #nodes: NodeSet;
  readonly #synced = new Signal();
  readonly #retryAlarm = new Alarm();
  #stream: EtcdWatchStream | undefined;
  #hasListed = false;
  #isFollowing = false;
  #failures = 0;
  #isClosed = false;

  constructor(options: EtcdWatchOptions) {
    this.#options = options;
    this.#nodes = new NodeSet((key, problem) => {
      options.events({ type: "invalid-record", key, problem });
    });
    this.synced = this.#synced.promise;
    void this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.close();
    this.#retryAlarm.wake();
    this.#options.client.close();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#round();
      } catch (thrown) {
        if (!this.#isClosed) await this.#recover(toError(thrown));
      }
    }
  }

  async #recover(error: Error): Promise<void> {
    const { client, events } = this.#options;
    client.reconnect();
    this.#failures += 1;
    const retryInMs = retryDelayMs(this.#failures);
    events({
      type: this.#isFollowing ? "watch-lost" : "sync-failed",
      error,
      retryInMs,
    });
    this.#isFollowing = false;
    await this.#retryAlarm.sleep(retryInMs);
  }

  async #round(): Promise<void> {
    const { client, listIntervalMs, watchSilenceMs } = this.#options;
    const list = await client.list(NODE_KEY_PREFIX);
    if (this.#isClosed) return;
    this.#applyList(list.entries);
    const call = await client.openWatch();
    const stream = new EtcdWatchStream(call, {
      prefix: NODE_KEY_PREFIX,
      afterRevision: list.revision,
      silenceMs: watchSilenceMs,
      onCreated: () => {
        this.#isFollowing = true;
        this.#failures = 0;
      },
      onChanges: (changes) => this.#applyChanges(changes),
    });
    this.#stream = stream;
    if (this.#isClosed) stream.close();
    const listTimer = setTimeout(() => stream.close(), listIntervalMs);
    try {
      await stream.ended;
    } finally {
      clearTimeout(listTimer);
      this.#stream = undefined;
    }
  }

  #applyList(entries: readonly { readonly key: string; readonly value: string }[]): void {
    const difference = this.#nodes.replace(entries);
    const differs = difference.added + difference.changed + difference.removed > 0;
    if (!this.#hasListed) {
      this.#hasListed = true;
      this.#announce();
      this.#synced.resolve();
      return;
    }
    if (differs || !this.#isFollowing) {
      this.#options.events({ type: "resynced", ...difference });
    }
    if (differs) this.#announce();
  }

  #applyChanges(changes: readonly KeyChange[]): void {
    let differs = false;
    for (const { key, value } of changes) {
      const changed = value === undefined ? this.#nodes.delete(key) : this.#nodes.put(key, value);
      differs ||= changed;
    }
    if (differs) this.#announce();
  }

  #announce(): void {
    this.#options.listener(this.#nodes.snapshot());
  }
}
