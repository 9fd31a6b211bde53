import { type Finding, notChecked, ok, warn } from "../finding.ts";
import type { HostFacts } from "../probes/host.ts";

/** The settings of the connect-node that runs here, or would. */
export interface HostedNode {
  readonly MAX_SESSIONS: number;
  readonly MAX_PENDING_CONNECTIONS: number;
  readonly LOG_BYTES: number;
  readonly FRAME_CACHE_BYTES: number;
  readonly SESSION_BUFFER_BYTES: number;
}

/** What cannot be read, and what to do about that on Linux. */
type Unreadable = (check: string, what: string, advice: string) => Finding;

const PROC_ADVICE = "This container hides it: run doctor on the node's machine.";
const MIB = 1024 * 1024;
/** docs/operations.md, "Memory of a connect-node". */
const IDLE_BYTES = 90 * MIB;
const SESSION_BYTES = 5 * 1024;
const REMEMBERED_BYTES = 67 * MIB;
const GARBAGE_BYTES = 100 * MIB;
/** Files and sockets that a node has beside those of its sessions. */
const OTHER_FILES = 200;
const NEAR_SHARE = 0.8;
/** What docs/operations.md gives a pod. */
const SEND_BUFFER_BYTES = 262_144;

/**
 * Judges the machine, or the container, in which doctor runs, for a connect-node with these settings.
 * @param platform of that machine, as `process.platform` names it
 */
export function checkHost(
  facts: HostFacts,
  node: HostedNode,
  platform: NodeJS.Platform = process.platform,
): Finding[] {
  const unreadable: Unreadable = (check, what, advice) =>
    notChecked(
      check,
      `${what} cannot be read here`,
      platform === "linux" ? advice : "Run doctor on Linux, on a machine as the node's.",
    );
  return [
    checkFiles(facts, node, unreadable),
    checkMemory(facts, node, unreadable),
    checkCpu(facts, unreadable),
    checkBacklog(facts, node, unreadable),
    checkPorts(facts, node, unreadable),
    checkConntrack(facts, node),
    checkSendBuffer(facts, unreadable),
  ];
}

/** What a node needs while no client is slow. */
export function memoryBoundBytes(node: HostedNode): number {
  return (
    IDLE_BYTES +
    SESSION_BYTES * node.MAX_SESSIONS +
    node.LOG_BYTES +
    node.FRAME_CACHE_BYTES +
    REMEMBERED_BYTES +
    GARBAGE_BYTES
  );
}

function checkFiles(
  { maxOpenFiles }: HostFacts,
  node: HostedNode,
  unreadable: Unreadable,
): Finding {
  const check = "host-file-descriptors";
  if (maxOpenFiles === undefined) return unreadable(check, "/proc/self/limits", PROC_ADVICE);
  const needed = node.MAX_SESSIONS + node.MAX_PENDING_CONNECTIONS + OTHER_FILES;
  const found = `${maxOpenFiles} for this process; MAX_SESSIONS and MAX_PENDING_CONNECTIONS need ${needed}`;
  return maxOpenFiles >= needed
    ? ok(check, found)
    : warn(
        check,
        found,
        "Raise ulimit -n (LimitNOFILE, or the container runtime's nofile), or lower MAX_SESSIONS.",
      );
}

function checkMemory(
  { memoryLimitBytes }: HostFacts,
  node: HostedNode,
  unreadable: Unreadable,
): Finding {
  const check = "host-memory";
  const bound = memoryBoundBytes(node);
  const slow = (bound + node.SESSION_BUFFER_BYTES * node.MAX_SESSIONS) / MIB;
  const needs = `${node.MAX_SESSIONS} sessions need ${(bound / MIB).toFixed(0)} MiB, ${slow.toFixed(0)} MiB if all of them are slow at once`;
  if (memoryLimitBytes === undefined) {
    return unreadable(
      check,
      "the cgroup's memory limit",
      `/sys/fs/cgroup has neither memory.max nor memory.limit_in_bytes, as on many machines outside of containers. Compare with the pod's resources.limits.memory, or the machine's memory: ${needs}.`,
    );
  }
  if (memoryLimitBytes === Number.POSITIVE_INFINITY) {
    return ok(check, `no limit in this cgroup; ${needs}`);
  }
  const found = `limit ${(memoryLimitBytes / MIB).toFixed(0)} MiB; ${needs}`;
  return memoryLimitBytes >= bound
    ? ok(check, found)
    : warn(
        check,
        found,
        "Raise the memory limit, or lower MAX_SESSIONS or LOG_BYTES. docs/operations.md, Memory of a connect-node.",
      );
}

function checkCpu({ cpuLimit }: HostFacts, unreadable: Unreadable): Finding {
  const check = "host-cpu";
  if (cpuLimit === undefined)
    return unreadable(
      check,
      "the cgroup's cpu limit",
      "/sys/fs/cgroup has neither cpu.max nor cpu.cfs_quota_us, as on many machines outside of containers: see the pod's resources.limits.cpu.",
    );
  if (cpuLimit === Number.POSITIVE_INFINITY) return ok(check, "no limit in this cgroup");
  const found = `limit ${cpuLimit} cores`;
  return cpuLimit >= 1
    ? ok(check, found)
    : warn(
        check,
        `${found}: the kernel stops the process for parts of each 100 ms`,
        "A process is one core: give it a request of what it needs, and a limit of 1 or none.",
      );
}

function checkBacklog({ somaxconn }: HostFacts, node: HostedNode, unreadable: Unreadable): Finding {
  const check = "host-somaxconn";
  if (somaxconn === undefined) return unreadable(check, "net.core.somaxconn", PROC_ADVICE);
  const found = `${somaxconn}; MAX_PENDING_CONNECTIONS is ${node.MAX_PENDING_CONNECTIONS}`;
  return somaxconn >= Math.min(node.MAX_PENDING_CONNECTIONS, 4096)
    ? ok(check, found)
    : warn(
        check,
        found,
        "Set net.core.somaxconn to 4096 or more (a pod's securityContext.sysctls), so that storms of connections wait instead of being dropped.",
      );
}

function checkPorts({ localPorts }: HostFacts, node: HostedNode, unreadable: Unreadable): Finding {
  const check = "host-local-ports";
  if (localPorts === undefined)
    return unreadable(check, "net.ipv4.ip_local_port_range", PROC_ADVICE);
  const found = `${localPorts} ports for connections that begin here`;
  return localPorts >= Math.min(node.MAX_SESSIONS, 28_000)
    ? ok(check, found)
    : warn(
        check,
        `${found}: a proxy on a machine like this has no more connections to one node`,
        "Widen net.ipv4.ip_local_port_range where the proxy runs, or run more proxies.",
      );
}

function checkConntrack({ conntrack }: HostFacts, node: HostedNode): Finding {
  const check = "host-conntrack";
  if (conntrack === undefined) {
    return notChecked(
      check,
      "nf_conntrack is not to be read here",
      "On the node's machine: sysctl net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_count.",
    );
  }
  const { count, max } = conntrack;
  const found = `${count} of ${max} connections tracked`;
  const advice =
    "Raise net.netfilter.nf_conntrack_max on the machine: beyond it new connections are dropped without a word.";
  if (count >= NEAR_SHARE * max) return warn(check, found, advice);
  return max >= node.MAX_SESSIONS
    ? ok(check, found)
    : warn(check, `${found}; MAX_SESSIONS is ${node.MAX_SESSIONS}`, advice);
}

function checkSendBuffer({ maxSendBufferBytes }: HostFacts, unreadable: Unreadable): Finding {
  const check = "host-send-buffer";
  if (maxSendBufferBytes === undefined) return unreadable(check, "net.ipv4.tcp_wmem", PROC_ADVICE);
  const found = `up to ${(maxSendBufferBytes / 1024).toFixed(0)} KiB in the kernel for each client that stalls`;
  return maxSendBufferBytes <= SEND_BUFFER_BYTES
    ? ok(check, found)
    : ok(
        check,
        `${found}; it counts against the pod's memory (connectNode.sendBufferBytes bounds it)`,
      );
}
