import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The limits of the machine, or of the pod, on which this runs. Undefined is not to be read here. */
export interface HostFacts {
  /** Of this process; others that the same shell or container runtime starts usually have the same. */
  readonly maxOpenFiles: number | undefined;
  /** Infinity where the cgroup has no limit. */
  readonly memoryLimitBytes: number | undefined;
  /** In cores; Infinity where the cgroup has no limit. */
  readonly cpuLimit: number | undefined;
  readonly somaxconn: number | undefined;
  /** How many ports there are for connections that begin here. */
  readonly localPorts: number | undefined;
  readonly conntrack: { readonly count: number; readonly max: number } | undefined;
  /** What the kernel may keep in the send buffer of one socket. */
  readonly maxSendBufferBytes: number | undefined;
}

/** @returns undefined if the file is not there or may not be read */
export type ReadFile = (path: string) => string | undefined;

/** @param read of the machine's files. @default those of this one */
export function probeHost(read: ReadFile = readIfThere): HostFacts {
  const [least, most] = numbers(read("/proc/sys/net/ipv4/ip_local_port_range"));
  const [conntrackMax] = numbers(read("/proc/sys/net/netfilter/nf_conntrack_max"));
  const [conntrackCount] = numbers(read("/proc/sys/net/netfilter/nf_conntrack_count"));
  return {
    maxOpenFiles: openFiles(read("/proc/self/limits")),
    memoryLimitBytes: memoryLimit(read),
    cpuLimit: cpuLimit(read),
    somaxconn: numbers(read("/proc/sys/net/core/somaxconn"))[0],
    localPorts: least === undefined || most === undefined ? undefined : most - least + 1,
    conntrack:
      conntrackCount === undefined || conntrackMax === undefined
        ? undefined
        : { count: conntrackCount, max: conntrackMax },
    maxSendBufferBytes: numbers(read("/proc/sys/net/ipv4/tcp_wmem"))[2],
  };
}

const CGROUPS = "/sys/fs/cgroup";
/** Version 1 says about 2^63 where there is no limit. */
const NO_LIMIT = 2 ** 60;

function memoryLimit(read: ReadFile): number | undefined {
  const text =
    readOfCgroup(read, "memory.max") ?? read(join(CGROUPS, "memory/memory.limit_in_bytes"));
  if (text === undefined) return undefined;
  if (text.trim() === "max") return Number.POSITIVE_INFINITY;
  const bytes = Number(text);
  return bytes >= NO_LIMIT ? Number.POSITIVE_INFINITY : bytes;
}

function cpuLimit(read: ReadFile): number | undefined {
  const text = readOfCgroup(read, "cpu.max");
  const [quota, period] =
    text !== undefined
      ? text.trim().split(/\s+/)
      : [read(join(CGROUPS, "cpu/cpu.cfs_quota_us")), read(join(CGROUPS, "cpu/cpu.cfs_period_us"))];
  if (quota === undefined || period === undefined) return undefined;
  // "max" in version 2, -1 in version 1.
  return Number(quota) > 0 ? Number(quota) / Number(period) : Number.POSITIVE_INFINITY;
}

/** Version 2: of this process's own group, or where that is not mounted of the container's root. */
function readOfCgroup(read: ReadFile, file: string): string | undefined {
  const [, path = "/"] = /^0::(.*)$/m.exec(read("/proc/self/cgroup") ?? "") ?? [];
  return read(join(CGROUPS, path, file)) ?? read(join(CGROUPS, file));
}

function openFiles(limits: string | undefined): number | undefined {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits ?? "") ?? [];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

function numbers(text: string | undefined): number[] {
  return text === undefined ? [] : text.trim().split(/\s+/).map(Number);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
