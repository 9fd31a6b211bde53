import { LOG_LEVELS } from "./logger.ts";
import {
  addressList,
  integer,
  oneOf,
  port,
  seconds,
  share,
  text,
  urlList,
} from "./setting-kinds.ts";
import type { CrossCheck, SettingsOf, SettingsSchema } from "./settings.ts";
import { OTLP_HEADERS } from "./traces/otlp-headers.ts";

const DAY_SECONDS = 86_400;
const GIB = 1024 ** 3;

/** The settings that push-manager and connect-node have in common, to be spread into their own. */
export const sharedSettings = {
  REGISTRY: oneOf(["etcd", "static", "memory"], {
    default: "etcd",
    doc: "Where nodes are found: in etcd, in the fixed list NODES, or within this process only.",
  }),
  ETCD_ENDPOINTS: urlList({
    doc: "etcd's client URLs, with commas between them. Required with REGISTRY=etcd.",
  }),
  NODES: addressList({
    doc: "The connect-nodes' gRPC addresses. Required with REGISTRY=static.",
  }),
  REGISTRATION_TTL_S: integer({
    unit: "seconds",
    min: 2,
    max: 3600,
    default: 10,
    doc: "Lease of a node's key in etcd: how soon a node that was killed is gone. etcd's floor is 2.",
  }),
  LOG_BYTES: integer({
    unit: "bytes",
    min: 1,
    max: 64 * GIB,
    default: 64 * 1024 ** 2,
    doc: "Memory for the publication log. The same in all processes.",
  }),
  LOG_SECONDS: seconds({
    min: 1,
    max: DAY_SECONDS,
    default: 300,
    doc: "Age at which a publication leaves the log: how long a client may be away and resume. The same in all processes.",
  }),
  MAX_CONTENT_BYTES: integer({
    unit: "bytes",
    min: 1,
    max: 16 * 1024 ** 2,
    default: 256 * 1024,
    doc: "The longest content of one push. The same in all processes.",
  }),
  GRPC_HOST: text({ default: "0.0.0.0", doc: "The address that the gRPC server listens on." }),
  GRPC_MAX_CALLS: integer({
    unit: "calls",
    min: 1,
    max: 1_000_000,
    default: 10_000,
    doc: "Calls that one gRPC connection may have open at once; its further calls wait.",
  }),
  GRPC_TLS_CERT_FILE: text({
    doc: "This process's certificate, PEM, with those between it and the CA: for its gRPC port and for the connections that it opens to nodes. With the key and the CA, or none of them.",
  }),
  GRPC_TLS_KEY_FILE: text({ doc: "The key of that certificate, PEM, without a password." }),
  GRPC_TLS_CA_FILE: text({
    doc: "The CA, or several, PEM, that certificates of managers, nodes and biz-servers must be of.",
  }),
  GRPC_TLS_SERVER_NAME: text({
    default: "connect-node",
    doc: "The DNS name that a node's certificate must have, whatever its address. Managers and nodes check it when they connect to a node, and nodes when another reads their log.",
  }),
  ETCD_CA_FILE: text({
    doc: "The CA, PEM, that etcd's certificate must be of. Else it is one that the system trusts.",
  }),
  ETCD_CERT_FILE: text({
    doc: "The certificate that this process shows to etcd, PEM. With its key and ETCD_CA_FILE.",
  }),
  ETCD_KEY_FILE: text({ doc: "The key of that certificate, PEM, without a password." }),
  FILES_CHECK_SECONDS: seconds({
    min: 0.05,
    max: 3600,
    default: 5,
    doc: "How often the files of certificates, keys, secrets and tokens are read again. A new version is used without a restart.",
  }),
  OPS_HOST: text({
    default: "0.0.0.0",
    doc: "The address that the ops server (health, metrics) listens on.",
  }),
  OPS_PORT: port({ default: 9100, doc: "The port of /livez, /readyz and /metrics." }),
  LOG_LEVEL: oneOf(LOG_LEVELS, {
    default: "info",
    doc: "The least severe log lines that are written. They go to stderr, as JSON.",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: text({
    // Credentials in it would be shown with it.
    pattern: /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#@]*)?$/,
    accepts: "an http:// or https:// URL without credentials and query",
    doc: "Where traces go: an OTLP collector's URL for HTTP, such as http://collector:4318. They are posted to /v1/traces below it, as Protocol Buffers. Unset: no traces.",
  }),
  OTEL_EXPORTER_OTLP_HEADERS: text({
    pattern: OTLP_HEADERS,
    accepts: "name=value pairs with commas between them",
    secret: true,
    doc: "HTTP headers for the collector, such as an API key. A secret.",
  }),
  OTEL_EXPORTER_OTLP_TIMEOUT: integer({
    unit: "milliseconds",
    min: 1,
    max: 600_000,
    default: 10_000,
    doc: "How long one batch of spans may take to be exported, with its repeats.",
  }),
  OTEL_TRACES_SAMPLER_ARG: share({
    default: 0.01,
    doc: "The share of pushes that begin a trace, of those that come without one. A push of a trace is sampled if its caller says so.",
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: integer({
    unit: "spans",
    min: 1,
    max: 1_000_000,
    default: 2048,
    doc: "Spans that may wait for the collector, at about 1 KiB each; more are dropped, and counted.",
  }),
  OTEL_BSP_SCHEDULE_DELAY: integer({
    unit: "milliseconds",
    min: 1,
    max: 600_000,
    default: 5000,
    doc: "How long a span waits at most for others to be exported with.",
  }),
  STOP_SECONDS: seconds({
    min: 0.1,
    max: 3600,
    default: 15,
    doc: "How long a stop may take, beside the drain of a node, before the process exits with 1. A pod's grace period must be longer than both.",
  }),
} satisfies SettingsSchema;

export type SharedSettings = SettingsOf<typeof sharedSettings>;

/** What must hold between shared settings. */
export const sharedChecks: readonly CrossCheck<SharedSettings>[] = [
  {
    settings: ["ETCD_ENDPOINTS", "REGISTRY"],
    problem: ({ ETCD_ENDPOINTS, REGISTRY }) =>
      REGISTRY === "etcd" && ETCD_ENDPOINTS === undefined
        ? "is required with REGISTRY=etcd"
        : undefined,
  },
  {
    settings: ["NODES", "REGISTRY"],
    problem: ({ NODES, REGISTRY }) =>
      REGISTRY === "static" && NODES === undefined ? "is required with REGISTRY=static" : undefined,
  },
  {
    settings: ["GRPC_TLS_CERT_FILE", "GRPC_TLS_KEY_FILE", "GRPC_TLS_CA_FILE"],
    problem: ({ GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE, GRPC_TLS_CA_FILE }) =>
      areAllOrNone(GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE, GRPC_TLS_CA_FILE)
        ? undefined
        : "goes with GRPC_TLS_KEY_FILE and GRPC_TLS_CA_FILE: all of them, or none",
  },
  {
    settings: ["ETCD_CERT_FILE", "ETCD_KEY_FILE", "ETCD_CA_FILE"],
    problem: ({ ETCD_CERT_FILE, ETCD_KEY_FILE, ETCD_CA_FILE }) =>
      areAllOrNone(ETCD_CERT_FILE, ETCD_KEY_FILE) &&
      (ETCD_CERT_FILE === undefined || ETCD_CA_FILE !== undefined)
        ? undefined
        : "goes with ETCD_KEY_FILE and ETCD_CA_FILE: all of them, or neither certificate nor key",
  },
  {
    settings: ["ETCD_CA_FILE", "ETCD_ENDPOINTS"],
    problem: ({ ETCD_CA_FILE, ETCD_ENDPOINTS = [] }) =>
      ETCD_CA_FILE !== undefined && ETCD_ENDPOINTS.some((url) => url.startsWith("http:"))
        ? "needs ETCD_ENDPOINTS that all begin with https://"
        : undefined,
  },
];

function areAllOrNone(...values: readonly (string | undefined)[]): boolean {
  return values.every((value) => (value === undefined) === (values[0] === undefined));
}
