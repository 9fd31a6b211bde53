import { type EtcdClient, LeaseGoneError } from "./etcd-client.ts";
import { encodeNodeRecord, type NodeRecord, type NodeState, nodeKey } from "./node-record.ts";
import type { Registration, RegistryEvents } from "./registry.ts";
import { Alarm, atMost, retryDelayMs, Signal, toError } from "./retry.ts";

export interface EtcdRegistrationOptions {
  /** The registration's own; closed when it is released. */
  readonly client: EtcdClient;
  readonly node: NodeRecord;
  readonly ttlS: number;
  readonly settleTimeoutMs: number;
  readonly events: RegistryEvents;
}

interface HeldLease {
  readonly leaseId: string;
  readonly ttlMs: number;
  /** When the last renewal that succeeded was sent, by the process's own clock. */
  renewedAtMs: number;
}

/**
 * Keeps one key in etcd under a lease. Each third of the lease's time it renews the lease and looks
 * whether the key is still as it was put. A lease that is gone, or could not be renewed for its
 * whole time, is replaced by a new one.
 */
export class EtcdRegistration implements Registration {
  readonly registered: Promise<void>;
  readonly #options: EtcdRegistrationOptions;
  readonly #key: string;
  readonly #registered = new Signal();
  readonly #alarm = new Alarm();
  readonly #loop: Promise<void>;
  /** The record as it should be in etcd. */
  #record: NodeRecord;
  /** The value as it was put last. */
  #written: string | undefined;
  /** Resolved when etcd has the record as it should be; there while an update waits for that. */
  #updated: Signal | undefined;
  #lease: HeldLease | undefined;
  #failures = 0;
  #isReleased = false;
  #released: Promise<void> | undefined;

  constructor(options: EtcdRegistrationOptions) {
    this.#options = options;
    this.#record = options.node;
    this.#key = nodeKey(options.node.nodeId);
    this.registered = this.#registered.promise;
    this.#loop = this.#run();
  }

  update(change: { readonly state: NodeState }): Promise<void> {
    this.#record = { ...this.#record, ...change };
    if (this.#isReleased) return Promise.resolve();
    this.#updated ??= new Signal();
    const updated = this.#updated.promise;
    this.#settleUpdate();
    this.#alarm.wake();
    return atMost(this.#options.settleTimeoutMs, updated);
  }

  release(): Promise<void> {
    this.#released ??= this.#giveBack();
    return this.#released;
  }

  async #run(): Promise<void> {
    while (!this.#isReleased) {
      try {
        const lease = await this.#grant();
        if (this.#isReleased) return;
        await this.#put(lease);
        this.#options.events({
          type: "registered",
          nodeId: this.#record.nodeId,
        });
        this.#registered.resolve();
        await this.#keep(lease);
      } catch (thrown) {
        await this.#recover(toError(thrown));
      }
    }
  }

  async #grant(): Promise<HeldLease> {
    const renewedAtMs = performance.now();
    const granted = await this.#options.client.grantLease(this.#options.ttlS);
    this.#lease = { ...granted, renewedAtMs };
    return this.#lease;
  }

  /** Until released; throws when the lease is gone. */
  async #keep(lease: HeldLease): Promise<void> {
    const { client, events, node, ttlS } = this.#options;
    const renewalIntervalMs = Math.round((ttlS * 1_000) / 3);
    let failures = 0;
    let pauseMs = renewalIntervalMs;
    while (!this.#isReleased) {
      if (this.#isWritten() || failures > 0) {
        await this.#alarm.sleep(pauseMs);
        if (this.#isReleased) return;
      }
      try {
        await this.#renew(lease);
        // Only now: a lease that etcd grants and drops at once must not reset the back-off.
        this.#failures = 0;
        failures = 0;
        pauseMs = renewalIntervalMs;
      } catch (thrown) {
        const error = toError(thrown);
        if (error instanceof LeaseGoneError) throw error;
        if (performance.now() - lease.renewedAtMs > lease.ttlMs) {
          throw new LeaseGoneError("the lease could not be renewed in its time", { cause: error });
        }
        client.reconnect();
        failures += 1;
        pauseMs = Math.min(retryDelayMs(failures), renewalIntervalMs);
        if (!this.#isReleased) {
          events({
            type: "renewal-failed",
            nodeId: node.nodeId,
            error,
            retryInMs: pauseMs,
          });
        }
      }
    }
  }

  async #renew(lease: HeldLease): Promise<void> {
    const { client, events, node } = this.#options;
    const sentAtMs = performance.now();
    await client.renewLease(lease.leaseId);
    lease.renewedAtMs = sentAtMs;
    const found = await client.get(this.#key);
    const isOurs = found?.value === this.#written && found?.leaseId === lease.leaseId;
    if (isOurs && this.#isWritten()) return;
    await this.#put(lease);
    if (!isOurs) events({ type: "record-restored", nodeId: node.nodeId });
  }

  async #put(lease: HeldLease): Promise<void> {
    const value = encodeNodeRecord(this.#record);
    await this.#options.client.put(this.#key, value, lease.leaseId);
    this.#written = value;
    this.#settleUpdate();
  }

  #settleUpdate(): void {
    if (!this.#isWritten()) return;
    this.#updated?.resolve();
    this.#updated = undefined;
  }

  #isWritten(): boolean {
    return this.#written === encodeNodeRecord(this.#record);
  }

  async #recover(error: Error): Promise<void> {
    if (this.#isReleased) return;
    const { client, events, node } = this.#options;
    const isLost = error instanceof LeaseGoneError;
    client.reconnect();
    this.#failures += 1;
    const retryInMs = retryDelayMs(this.#failures);
    const type = isLost ? "lease-lost" : "registration-failed";
    events({ type, nodeId: node.nodeId, error, retryInMs });
    await this.#pause(retryInMs);
  }

  /** An update ends a sleep early, but must not make tries more frequent. */
  async #pause(durationMs: number): Promise<void> {
    const endsAtMs = performance.now() + durationMs;
    while (!this.#isReleased) {
      const leftMs = endsAtMs - performance.now();
      if (leftMs <= 0) return;
      await this.#alarm.sleep(leftMs);
    }
  }

  async #giveBack(): Promise<void> {
    const { client, events, node, settleTimeoutMs } = this.#options;
    const givesUpAtMs = performance.now() + settleTimeoutMs;
    this.#isReleased = true;
    this.#updated?.resolve();
    this.#alarm.wake();
    // A lease may be on its way; and nothing must be put after the lease was given back.
    await atMost(settleTimeoutMs, this.#loop);
    for (let failures = 1; this.#lease !== undefined; failures += 1) {
      const leftMs = Math.max(1, givesUpAtMs - performance.now());
      try {
        await client.revokeLease(this.#lease.leaseId, leftMs);
        break;
      } catch (thrown) {
        const error = toError(thrown);
        if (error instanceof LeaseGoneError) break;
        client.reconnect();
        const retryInMs = retryDelayMs(failures);
        if (performance.now() + retryInMs >= givesUpAtMs) {
          events({ type: "release-failed", nodeId: node.nodeId, error });
          break;
        }
        await this.#alarm.sleep(retryInMs);
      }
    }
    client.close();
  }
}
