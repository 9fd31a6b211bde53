import type { Clock } from "@pushcast/runtime";
import { ApiError, isNotFound } from "../api-error.ts";
import type { KubeApi } from "../kube-api.ts";

/** Of client-go: how long others wait after they last saw the holder renew. */
const LEASE_SECONDS = 15;
/** A renewal must not hang for as long as the lease lasts. */
const REQUEST_TIMEOUT_MS = 5_000;

export interface LeaseInit {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Who takes it; no other process has the same. */
  readonly identity: string;
}

/** The parts of a `coordination.k8s.io/v1` Lease that are read and written here. */
interface LeaseObject {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/**
 * A Lease of Kubernetes that at most one process holds.
 *
 * Whether its holder still renews it is judged by this process's own clock, from when it saw the Lease
 * change last: the times in it are another machine's, and only for people.
 */
export class Lease {
  readonly #init: LeaseInit;
  readonly #collection: string;
  #seen: { readonly resourceVersion: string | undefined; readonly atMs: number } | undefined;

  constructor(init: LeaseInit) {
    this.#init = init;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${init.namespace}/leases`;
  }

  /**
   * Takes the lease, or renews it.
   * @returns whether it is held now, and for 15 s from the call on
   * @throws ApiError, or DeployError if there is no answer
   */
  async take(): Promise<boolean> {
    const lease = await this.#read();
    if (lease === undefined) return this.#write("POST", {}, undefined);
    if (!this.#isFree(lease)) return false;
    return this.#write("PUT", lease.spec ?? {}, lease.metadata.resourceVersion);
  }

  /** Gives it back, if it is held, so that another need not wait. */
  async release(): Promise<void> {
    const lease = await this.#read();
    if (lease?.spec?.holderIdentity !== this.#init.identity) return;
    const spec = { ...lease.spec, holderIdentity: "" };
    await this.#send("PUT", { metadata: lease.metadata, spec });
  }

  #isFree({ metadata, spec = {} }: LeaseObject): boolean {
    const { holderIdentity = "", leaseDurationSeconds = LEASE_SECONDS } = spec;
    const nowMs = this.#init.clock.monotonicMs();
    if (this.#seen?.resourceVersion !== metadata.resourceVersion) {
      this.#seen = { resourceVersion: metadata.resourceVersion, atMs: nowMs };
    }
    if (holderIdentity === "" || holderIdentity === this.#init.identity) return true;
    return nowMs - (this.#seen?.atMs ?? nowMs) >= leaseDurationSeconds * 1000;
  }

  async #write(
    method: "POST" | "PUT",
    before: LeaseSpec,
    resourceVersion: string | undefined,
  ): Promise<boolean> {
    const { identity, name, clock } = this.#init;
    const now = microTime(clock.now());
    const isRenewal = before.holderIdentity === identity;
    const spec: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: now,
      acquireTime: (isRenewal && before.acquireTime) || now,
      leaseTransitions: (before.leaseTransitions ?? 0) + (isRenewal ? 0 : 1),
    };
    const metadata = { name, ...(resourceVersion !== undefined && { resourceVersion }) };
    return this.#send(method, { metadata, spec });
  }

  /** Gives whether it was written: not if somebody else was faster. */
  async #send(method: "POST" | "PUT", lease: LeaseObject): Promise<boolean> {
    const path = method === "POST" ? this.#collection : `${this.#collection}/${this.#init.name}`;
    const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", ...lease };
    try {
      await this.#init.api.request(method, path, { body, timeoutMs: REQUEST_TIMEOUT_MS });
      return true;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return false;
      throw error;
    }
  }

  async #read(): Promise<LeaseObject | undefined> {
    const path = `${this.#collection}/${this.#init.name}`;
    try {
      return await this.#init.api.json("GET", path, { timeoutMs: REQUEST_TIMEOUT_MS });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** The API server insists on six digits. */
function microTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "000Z");
}
