import { type NodeSettings, nodeChecks, nodeSettings } from "@pushcast/connect-node";
import {
  type PushManagerSettings,
  pushManagerChecks,
  pushManagerSettings,
} from "@pushcast/push-manager";
import { requireSettings } from "@pushcast/runtime";
import type { DevPorts } from "./ports.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface DevSettings {
  readonly manager: PushManagerSettings;
  readonly nodes: readonly NodeSettings[];
  /** Settings that the environment gives and that do not hold here, by name. */
  readonly notHeeded: readonly string[];
}

/** Nothing but this machine reaches it: clients are believed, and the page can push. */
export const LOOPBACK = "127.0.0.1";

/** The smallest drain in which a page that is told to reconnect still does so by itself. */
const DRAIN_SECONDS = "1";
const STOP_SECONDS = "5";
/** Enough to try it, and few enough for the file descriptors that one process usually may have. */
const MAX_SESSIONS = "5000";
const MAX_PENDING_CONNECTIONS = "1000";

/**
 * The settings of every part: those of the environment, but for where the parts listen, who they
 * are, how clients and those who push are identified, how nodes are found (in etcd if `ETCD_ENDPOINTS` is set, else in
 * memory), and how long a stop takes. Without `LOG_LEVEL` only warnings are logged, without `CONSOLE`
 * there is a console, and without `MAX_SESSIONS` and `MAX_PENDING_CONNECTIONS` they are small.
 * @throws InvalidSettings
 */
export function readDevSettings(env: Environment, ports: DevPorts): DevSettings {
  const common = {
    ...env,
    REGISTRY: env.ETCD_ENDPOINTS?.trim() ? "etcd" : "memory",
    LOG_LEVEL: env.LOG_LEVEL?.trim() || "warn",
    GRPC_HOST: LOOPBACK,
    OPS_HOST: LOOPBACK,
    // The page pushes without a token, and without TLS.
    PUSH_AUTH: "none",
    PUSH_TOKENS_FILE: "",
    GRPC_TLS_CERT_FILE: "",
    GRPC_TLS_KEY_FILE: "",
    GRPC_TLS_CA_FILE: "",
    STOP_SECONDS,
  };
  const manager = {
    ...common,
    POD_NAME: "push-manager",
    CONSOLE: env.CONSOLE?.trim() || "on",
    GRPC_PORT: String(ports.manager.grpc),
    OPS_PORT: String(ports.manager.ops),
  };
  const nodes = ports.nodes.map(({ ws, grpc, ops }, index) => ({
    ...common,
    POD_NAME: `node-${index + 1}`,
    POD_IP: LOOPBACK,
    WS_HOST: LOOPBACK,
    WS_PORT: String(ws),
    GRPC_PORT: String(grpc),
    OPS_PORT: String(ops),
    MAX_SESSIONS: env.MAX_SESSIONS?.trim() || MAX_SESSIONS,
    MAX_PENDING_CONNECTIONS: env.MAX_PENDING_CONNECTIONS?.trim() || MAX_PENDING_CONNECTIONS,
    AUTH_MODE: "none",
    // Only this machine reaches it.
    NODE_ENV: "development",
    DRAIN_ACCEPT_SECONDS: "0",
    DRAIN_SECONDS,
  }));
  return {
    manager: requireSettings(pushManagerSettings, manager, pushManagerChecks),
    nodes: nodes.map((node) => requireSettings(nodeSettings, node, nodeChecks)),
    notHeeded: givenInVain(env, [manager, ...nodes]),
  };
}

/** Those that some part has otherwise, and those that say nothing to a part. */
function givenInVain(env: Environment, parts: readonly Environment[]): string[] {
  const names = new Set([...Object.keys(pushManagerSettings), ...Object.keys(nodeSettings)]);
  return [...names].sort().filter((name) => {
    const given = env[name]?.trim();
    if (given === undefined || given === "") return false;
    // Without tokens, and without REGISTRY=static.
    if (name.startsWith("JWT_") || name === "NODES") return true;
    return parts.some((part) => part[name]?.trim() !== given);
  });
}
