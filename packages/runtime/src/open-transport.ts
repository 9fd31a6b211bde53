import type { Registry } from "prom-client";
import type { Clock } from "./clock.ts";
import { type EtcdTlsSettings, openEtcdTls } from "./etcd-tls.ts";
import { FileFollower } from "./file-follower.ts";
import { GrpcTls, type GrpcTlsSettings } from "./grpc-tls.ts";
import type { Logger } from "./logger.ts";
import type { TlsMaterial } from "./tls-material.ts";
import { type FollowedFiles, TransportMetrics } from "./transport-metrics.ts";

export type TransportSettings = GrpcTlsSettings &
  EtcdTlsSettings & { readonly FILES_CHECK_SECONDS: number };

/** How a process connects with others, and the files that it follows for that. */
export interface Transport {
  readonly counters: TransportMetrics;
  /** For further files of the service. Its owner starts and stops it. */
  readonly files: FileFollower;
  /** Undefined where the settings name no files. */
  readonly grpcTls: GrpcTls | undefined;
  /** As `grpcTls`. */
  readonly etcdTls: (() => TlsMaterial) | undefined;
}

/**
 * @param init.ownFiles that the service follows beside the certificates
 * @throws InvalidSettings
 */
export function openTransport(init: {
  service: "push_manager" | "connect_node";
  ownFiles: readonly FollowedFiles[];
  settings: TransportSettings;
  registry: Registry;
  clock: Clock;
  logger: Logger;
}): Transport {
  const { service, ownFiles, settings, registry, clock, logger } = init;
  const followed: readonly FollowedFiles[] = ["grpc_tls", "etcd_tls", ...ownFiles];
  const counters = new TransportMetrics(service, registry, () => clock.now(), followed);
  const everyMs = settings.FILES_CHECK_SECONDS * 1000;
  const files = new FileFollower({ clock, everyMs, logger, counters });
  return {
    counters,
    files,
    grpcTls: GrpcTls.open(settings, files, counters),
    etcdTls: openEtcdTls(settings, files, counters),
  };
}
