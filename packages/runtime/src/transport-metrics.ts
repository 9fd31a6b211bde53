import { Counter, Gauge, type Registry } from "prom-client";

/** The files that a process follows while it runs, as they stand in metrics. */
export type FollowedFiles =
  | "grpc_tls"
  | "etcd_tls"
  | "push_tokens"
  | "token_keys"
  | "ticket_secrets"
  | "authz_token";

/** Counts what befalls the connections between processes, and the files behind them. */
export interface TransportCounters {
  fileLoaded(files: FollowedFiles): void;
  fileRefused(files: FollowedFiles): void;
  /** From then on the gauge says how long the certificate is still good for. */
  expiresAt(files: FollowedFiles, unixMs: number): void;
  tlsFailed(): void;
  /** @param code the machine-readable name of a {@link RpcError}: one of a closed set */
  callRefused(code: string): void;
}

/** The {@link TransportCounters} of a service, in the registry handed in. */
export class TransportMetrics implements TransportCounters {
  readonly #fileLoads: Counter<"files" | "result">;
  readonly #tlsFailures: Counter;
  readonly #refusedCalls: Counter<"code">;
  readonly #expiresAtMs = new Map<FollowedFiles, number>();

  /** @param prefix of the metrics' names: the service's @param now Unix milliseconds */
  constructor(
    prefix: "push_manager" | "connect_node",
    registry: Registry,
    now: () => number,
    files: readonly FollowedFiles[],
  ) {
    const registers = [registry];
    this.#fileLoads = new Counter({
      name: `${prefix}_file_loads_total`,
      help: "New versions of the files of certificates, keys, secrets and tokens: loaded, or refused and the one before kept.",
      labelNames: ["files", "result"],
      registers,
    });
    for (const name of files) {
      for (const result of ["loaded", "refused"]) this.#fileLoads.inc({ files: name, result }, 0);
    }
    const expiry: Gauge<"files"> = new Gauge({
      name: `${prefix}_certificate_expiry_seconds`,
      help: "Seconds until the certificate in use ends; absent without TLS.",
      labelNames: ["files"],
      registers,
      collect: () => {
        for (const [name, atMs] of this.#expiresAtMs) {
          expiry.set({ files: name }, (atMs - now()) / 1000);
        }
      },
    });
    this.#tlsFailures = new Counter({
      name: `${prefix}_tls_failures_total`,
      help: "Connections to the gRPC port that ended before their TLS handshake was done.",
      registers,
    });
    this.#refusedCalls = new Counter({
      name: `${prefix}_refused_calls_total`,
      help: "gRPC calls that were refused for who made them, by the reason.",
      labelNames: ["code"],
      registers,
    });
  }

  fileLoaded(files: FollowedFiles): void {
    this.#fileLoads.inc({ files, result: "loaded" });
  }

  fileRefused(files: FollowedFiles): void {
    this.#fileLoads.inc({ files, result: "refused" });
  }

  expiresAt(files: FollowedFiles, unixMs: number): void {
    this.#expiresAtMs.set(files, unixMs);
  }

  tlsFailed(): void {
    this.#tlsFailures.inc();
  }

  callRefused(code: string): void {
    this.#refusedCalls.inc({ code });
  }
}
