import { LOG_LEVELS } from "./logger.ts";
import { addressList, integer, oneOf, port, seconds, text, urlList } from "./setting-kinds.ts";
import type { CrossCheck, SettingsOf, SettingsSchema } from "./settings.ts";

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
  OPS_HOST: text({
    default: "0.0.0.0",
    doc: "The address that the ops server (health, metrics) listens on.",
  }),
  OPS_PORT: port({ default: 9100, doc: "The port of /livez, /readyz and /metrics." }),
  LOG_LEVEL: oneOf(LOG_LEVELS, {
    default: "info",
    doc: "The least severe log lines that are written. They go to stderr, as JSON.",
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
];
