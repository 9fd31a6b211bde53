import { noop } from "cockatiel";
import {
  Etcd3,
  EtcdLeaseInvalidError,
  type IDuplexStream,
  type IKeyValue,
  type ILeaseKeepAliveRequest,
  type ILeaseKeepAliveResponse,
  type IOptions,
  type IWatchRequest,
  type IWatchResponse,
} from "etcd3";
import { http2Handshake } from "./http2-handshake.ts";
import { toError } from "./retry.ts";

/** A key as etcd has it. */
export interface EtcdEntry {
  readonly key: string;
  readonly value: string;
  /** The lease that it goes with; "0" for none. */
  readonly leaseId: string;
}

/** All keys of a prefix, as they were at a revision. */
export interface EtcdList {
  readonly revision: bigint;
  readonly entries: readonly EtcdEntry[];
}

export interface EtcdLease {
  readonly leaseId: string;
  /** What etcd granted: it may be more than was asked for. */
  readonly ttlMs: number;
}

/** For `https` endpoints; all PEM. */
export interface EtcdTls {
  /** That etcd's certificate must be of. */
  readonly ca: Buffer;
  /** What is shown to etcd. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** What a member of etcd says of itself. */
export interface EtcdMember {
  readonly memberId: string;
  /** "0" while there is none. */
  readonly leaderId: string;
  readonly version: string;
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
  /** What it finds wrong with itself. */
  readonly errors: readonly string[];
}

/** An alarm that etcd has raised; it stays until somebody takes it back. */
export interface EtcdAlarm {
  readonly memberId: string;
  /** "NOSPACE", "CORRUPT". */
  readonly alarm: string;
}

export type EtcdWatchCall = IDuplexStream<IWatchRequest, IWatchResponse>;

/** A call to etcd failed; the cause is what gRPC or etcd said. */
class EtcdCallError extends Error {
  override readonly name = "EtcdCallError";
}

/** etcd does not know the lease: it ended or was revoked. */
export class LeaseGoneError extends Error {
  override readonly name = "LeaseGoneError";
}

// gRPC shares one TCP connection among all channels with the same target and options. A number in
// the options of each client makes `reconnect` a new connection: the old one may be a dead one that
// TCP has not noticed, and its back-off after failures would be inherited too.
let clientsMade = 0;

/**
 * The calls that the registry makes to etcd, each with a deadline, tried once, on one connection to
 * one endpoint at a time. The package etcd3 is used for its protocol only: its own retries,
 * back-offs, circuit breakers, leases and watchers are left aside, because they are blind for up to
 * 15 s after an outage, spin when a lease is lost, and do not notice an etcd that was wiped.
 */
export class EtcdClient {
  readonly #endpoints: readonly string[];
  readonly #callTimeoutMs: number;
  readonly #tls: () => EtcdTls | undefined;
  #endpointIndex: number;
  #etcd: Etcd3 | undefined;
  #closed = false;

  /**
   * @param endpoints URLs, at least one; the first to be used is any of them
   * @param tls asked for each new connection; without one the system's CAs are trusted
   */
  constructor(
    endpoints: readonly string[],
    callTimeoutMs: number,
    tls: () => EtcdTls | undefined = () => undefined,
  ) {
    this.#endpoints = endpoints;
    this.#callTimeoutMs = callTimeoutMs;
    this.#tls = tls;
    this.#endpointIndex = Math.floor(Math.random() * endpoints.length);
  }

  list(prefix: string): Promise<EtcdList> {
    return this.#call("list", async (etcd, options) => {
      const found = await etcd.kv.range(keysWithPrefix(prefix), options);
      return {
        revision: BigInt(found.header.revision),
        entries: found.kvs.map(toEntry),
      };
    });
  }

  get(key: string): Promise<EtcdEntry | undefined> {
    return this.#call("get", async (etcd, options) => {
      const found = await etcd.kv.range({ key: Buffer.from(key) }, options);
      return found.kvs.map(toEntry)[0];
    });
  }

  /** Rejects with LeaseGoneError if etcd does not know the lease. */
  put(key: string, value: string, leaseId: string): Promise<void> {
    return this.#call("put", async (etcd, options) => {
      const put = {
        key: Buffer.from(key),
        value: Buffer.from(value),
        lease: leaseId,
      };
      await etcd.kv.put(put, options);
    });
  }

  grantLease(ttlS: number): Promise<EtcdLease> {
    return this.#call("lease grant", async (etcd, options) => {
      const granted = await etcd.leaseClient.leaseGrant({ TTL: ttlS }, options);
      return { leaseId: granted.ID, ttlMs: Number(granted.TTL) * 1_000 };
    });
  }

  /** Rejects with LeaseGoneError if etcd does not know the lease. */
  renewLease(leaseId: string): Promise<void> {
    return this.#call("lease renewal", async (etcd, options) => {
      const answer = await askOnce(await etcd.leaseClient.leaseKeepAlive(options), { ID: leaseId });
      if (answer.TTL === "0") throw new LeaseGoneError(`lease ${leaseId} has ended`);
    });
  }

  /** Rejects with LeaseGoneError if etcd does not know the lease. */
  revokeLease(leaseId: string, timeoutMs: number): Promise<void> {
    return this.#call(
      "lease revoke",
      async (etcd, options) => {
        await etcd.leaseClient.leaseRevoke({ ID: leaseId }, options);
      },
      timeoutMs,
    );
  }

  /** How long the lease lasts if it is not renewed, in seconds; negative if etcd does not know it. */
  leaseRemainingS(leaseId: string): Promise<number> {
    return this.#call("lease time to live", async (etcd, options) => {
      const lease = await etcd.leaseClient.leaseTimeToLive({ ID: leaseId }, options);
      return Number(lease.TTL);
    });
  }

  /** Asks the member that is at the other end. */
  member(): Promise<EtcdMember> {
    return this.#call("status", async (etcd, options) => {
      const status = await etcd.maintenance.status(options);
      return {
        memberId: status.header.member_id,
        leaderId: status.leader,
        version: status.version,
        dbSizeBytes: Number(status.dbSize),
        dbSizeInUseBytes: Number(status.dbSizeInUse),
        errors: status.errors ?? [],
      };
    });
  }

  /** Those of all members. */
  alarms(): Promise<EtcdAlarm[]> {
    return this.#call("alarms", async (etcd, options) => {
      const { alarms } = await etcd.maintenance.alarm({ action: "Get" }, options);
      return alarms.map(({ memberID, alarm }) => ({
        memberId: memberID,
        alarm: String(alarm).toUpperCase(),
      }));
    });
  }

  /** Opens a stream for watching, without a deadline. */
  openWatch(): Promise<EtcdWatchCall> {
    return this.#call("watch", (etcd) => etcd.watchClient.watch());
  }

  /** After a failure: the next call takes a new connection, to the next endpoint. */
  reconnect(): void {
    this.#etcd?.close();
    this.#etcd = undefined;
    this.#endpointIndex = (this.#endpointIndex + 1) % this.#endpoints.length;
  }

  /** Later calls reject. One under way ends with its deadline at the latest. */
  close(): void {
    this.#closed = true;
    this.#etcd?.close();
    this.#etcd = undefined;
  }

  async #call<T>(
    what: string,
    call: (etcd: Etcd3, options: { deadline: number }) => Promise<T>,
    timeoutMs = this.#callTimeoutMs,
  ): Promise<T> {
    const endpoint = this.#endpoints[this.#endpointIndex] ?? "";
    const deadline = Date.now() + timeoutMs;
    try {
      return await call(this.#etcd ?? (await this.#connect(endpoint, timeoutMs)), { deadline });
    } catch (thrown) {
      const error = toError(thrown);
      if (error instanceof LeaseGoneError) throw error;
      if (error instanceof EtcdLeaseInvalidError) {
        throw new LeaseGoneError(error.message, { cause: error });
      }
      throw new EtcdCallError(`${what} at ${endpoint}: ${error.message}`, { cause: error });
    }
  }

  async #connect(endpoint: string, timeoutMs: number): Promise<Etcd3> {
    if (this.#closed) throw new Error("the client is closed");
    // gRPC never gives up a connection that is accepted but gets no handshake, not even when its
    // channel is closed. While an etcd is frozen each try would leave one behind.
    const tls = this.#tls();
    await http2Handshake(endpoint, timeoutMs, tls);
    if (this.#closed) throw new Error("the client is closed");
    this.#etcd ??= new Etcd3({
      hosts: endpoint,
      ...(tls && { credentials: toCredentials(tls) }),
      faultHandling: { host: () => noop, global: noop },
      grpcOptions: { "pushcast.client": ++clientsMade },
    });
    return this.#etcd;
  }
}

function toCredentials({ ca, cert, key }: EtcdTls): NonNullable<IOptions["credentials"]> {
  return {
    rootCertificate: ca,
    ...(cert && { certChain: cert }),
    ...(key && { privateKey: key }),
  };
}

/** The range of all keys that begin with the prefix: up to the prefix with its last byte raised. */
export function keysWithPrefix(prefix: string): {
  key: Buffer;
  range_end: Buffer;
} {
  const rangeEnd = Buffer.from(prefix);
  const last = rangeEnd.length - 1;
  rangeEnd[last] = (rangeEnd[last] ?? 0) + 1;
  return { key: Buffer.from(prefix), range_end: rangeEnd };
}

function toEntry(found: IKeyValue): EtcdEntry {
  return {
    key: found.key.toString(),
    value: found.value.toString(),
    leaseId: found.lease,
  };
}

/** Sends one request on a stream and takes one answer. */
function askOnce(
  stream: IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>,
  request: ILeaseKeepAliveRequest,
): Promise<ILeaseKeepAliveResponse> {
  return new Promise((resolve, reject) => {
    stream.on("data", (answer) => {
      stream.end();
      resolve(answer);
    });
    stream.on("error", reject);
    stream.on("end", () => reject(new Error("the stream ended without an answer")));
    stream.write(request);
  });
}
