import { EtcdClient, type EtcdTls } from "./etcd-client.ts";
import { EtcdRegistration } from "./etcd-registration.ts";
import { EtcdWatch } from "./etcd-watch.ts";
import type { NodeRecord } from "./node-record.ts";
import type { Registration, Registry, RegistryEvents, Watch } from "./registry.ts";
import { RegistryOptionsError } from "./registry-options-error.ts";

export interface EtcdRegistryOptions {
  readonly kind: "etcd";
  /** URLs, `http://host:port`; without a port it is 2379. One is used at a time. */
  readonly endpoints: readonly string[];
  /** How long a node that says nothing stays registered, in whole seconds; etcd's floor is 2. */
  readonly registrationTtlS: number;
  /** Asked for each new connection. Default: what the system trusts, and no certificate. */
  readonly tls?: () => EtcdTls;
  /** Time between lists that are read even though the watch is well. Default: 60,000. */
  readonly listIntervalMs?: number;
  /** A watch stream that is silent for so long, though asked, is taken for dead. Default: 5,000. */
  readonly watchSilenceMs?: number;
  /** Deadline of each call to etcd; a registration's calls have at most half its TTL. Default: 2,000. */
  readonly callTimeoutMs?: number;
  /** How long `update` and `release` wait for etcd at most. Default: 3,000. */
  readonly settleTimeoutMs?: number;
}

/** Nodes as keys in etcd, each under a lease. Needs etcd 3.4 or later. */
export class EtcdRegistry implements Registry {
  readonly #endpoints: readonly string[];
  readonly #registrationTtlS: number;
  readonly #listIntervalMs: number;
  readonly #watchSilenceMs: number;
  readonly #callTimeoutMs: number;
  readonly #settleTimeoutMs: number;
  readonly #tls: (() => EtcdTls) | undefined;
  readonly #events: RegistryEvents;
  readonly #registrations = new Set<EtcdRegistration>();
  readonly #watches = new Set<EtcdWatch>();

  /** Throws RegistryOptionsError. */
  constructor(options: EtcdRegistryOptions, events: RegistryEvents) {
    if (options.endpoints.length === 0) {
      throw new RegistryOptionsError("etcd needs at least one endpoint");
    }
    if (!Number.isInteger(options.registrationTtlS) || options.registrationTtlS < 1) {
      throw new RegistryOptionsError(
        `registrationTtlS must be a whole number from 1, not ${options.registrationTtlS}`,
      );
    }
    this.#endpoints = options.endpoints.map(normalizeEndpoint);
    this.#registrationTtlS = options.registrationTtlS;
    this.#listIntervalMs = options.listIntervalMs ?? 60_000;
    this.#watchSilenceMs = options.watchSilenceMs ?? 5_000;
    this.#callTimeoutMs = options.callTimeoutMs ?? 2_000;
    this.#settleTimeoutMs = options.settleTimeoutMs ?? 3_000;
    this.#tls = options.tls;
    this.#events = events;
  }

  register(node: NodeRecord): Registration {
    const timeoutMs = Math.min(this.#callTimeoutMs, this.#registrationTtlS * 500);
    const registration = new EtcdRegistration({
      client: new EtcdClient(this.#endpoints, timeoutMs, this.#tls),
      node,
      ttlS: this.#registrationTtlS,
      settleTimeoutMs: this.#settleTimeoutMs,
      events: this.#events,
    });
    this.#registrations.add(registration);
    return registration;
  }

  watch(listener: (nodes: ReadonlyMap<string, NodeRecord>) => void): Watch {
    const watch = new EtcdWatch({
      client: new EtcdClient(this.#endpoints, this.#callTimeoutMs, this.#tls),
      listIntervalMs: this.#listIntervalMs,
      watchSilenceMs: this.#watchSilenceMs,
      listener,
      events: this.#events,
    });
    this.#watches.add(watch);
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    await Promise.all([...this.#registrations].map((registration) => registration.release()));
  }
}

/** The URL with its port, as etcd3 takes it. */
function normalizeEndpoint(endpoint: string): string {
  const parts = /^(https?):\/\/([^\s/?#@:[\]]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?\/?$/i.exec(endpoint);
  if (parts === null) {
    throw new RegistryOptionsError(
      `etcd endpoint ${JSON.stringify(endpoint)} is not a URL like http://host:2379`,
    );
  }
  const [, scheme, host, port = "2379"] = parts;
  return `${scheme?.toLowerCase()}://${host}:${port}`;
}
