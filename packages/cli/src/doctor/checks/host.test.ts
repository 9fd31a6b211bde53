import { expect, test } from "vitest";
import { type HostFacts, probeHost } from "../probes/host.ts";
import { checkHost, memoryBoundBytes } from "./host.ts";

const NODE = {
  MAX_SESSIONS: 50_000,
  MAX_PENDING_CONNECTIONS: 5_000,
  LOG_BYTES: 67_108_864,
  FRAME_CACHE_BYTES: 8_388_608,
  SESSION_BUFFER_BYTES: 65_536,
};

const WELL: HostFacts = {
  maxOpenFiles: 1_048_576,
  memoryLimitBytes: 1024 ** 3,
  cpuLimit: 1,
  somaxconn: 4_096,
  localPorts: 28_232,
  conntrack: { count: 1_000, max: 262_144 },
  maxSendBufferBytes: 262_144,
};

function faults(changes: Partial<HostFacts>): string[] {
  return checkHost({ ...WELL, ...changes }, NODE)
    .filter(({ status }) => status !== "ok")
    .map(({ check, status }) => `${check} ${status}`);
}

test("a machine with room for a node has no fault", () => {
  expect(faults({})).toEqual([]);
  expect(faults({ memoryLimitBytes: Number.POSITIVE_INFINITY })).toEqual([]);
});

test.each([
  [{ maxOpenFiles: 1_024 }, "host-file-descriptors warn"],
  [{ memoryLimitBytes: memoryBoundBytes(NODE) - 1 }, "host-memory warn"],
  [{ cpuLimit: 0.5 }, "host-cpu warn"],
  [{ cpuLimit: undefined }, "host-cpu not checked"],
  [{ somaxconn: 128 }, "host-somaxconn warn"],
  [{ localPorts: 1_000 }, "host-local-ports warn"],
  [{ conntrack: { count: 250_000, max: 262_144 } }, "host-conntrack warn"],
  [{ conntrack: { count: 0, max: 32_768 } }, "host-conntrack warn"],
  [{ conntrack: undefined }, "host-conntrack not checked"],
])("%j is %s", (changes, fault) => {
  expect(faults(changes)).toEqual([fault]);
});

test("what cannot be read on Linux is not asked for on Linux again", () => {
  const adviceOn = (platform: NodeJS.Platform) =>
    checkHost({ ...WELL, memoryLimitBytes: undefined }, NODE, platform).find(
      ({ check }) => check === "host-memory",
    );
  expect(adviceOn("linux")).toMatchObject({
    status: "not checked",
    advice: expect.stringMatching(
      /\/sys\/fs\/cgroup has neither memory\.max.*50000 sessions need \d+ MiB/,
    ),
  });
  expect(adviceOn("darwin")).toMatchObject({
    advice: expect.stringMatching(/^Run doctor on Linux/),
  });
});

const LIMITS =
  "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024   524288   files\n";

test("a pod's limits are read from its cgroup, of version 2", () => {
  const files: Readonly<Record<string, string>> = {
    "/proc/self/limits": LIMITS,
    "/proc/self/cgroup": "0::/kubepods/pod1\n",
    "/sys/fs/cgroup/kubepods/pod1/memory.max": "536870912\n",
    "/sys/fs/cgroup/cpu.max": "50000 100000\n",
    "/proc/sys/net/core/somaxconn": "4096\n",
    "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "/proc/sys/net/ipv4/tcp_wmem": "4096\t16384\t4194304\n",
  };
  expect(probeHost((path) => files[path])).toEqual({
    maxOpenFiles: 1_024,
    memoryLimitBytes: 536_870_912,
    cpuLimit: 0.5,
    somaxconn: 4_096,
    localPorts: 28_232,
    conntrack: undefined,
    maxSendBufferBytes: 4_194_304,
  });
});

test("and of version 1, where no limit is a large number or a negative one", () => {
  const files: Readonly<Record<string, string>> = {
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
  };
  expect(probeHost((path) => files[path])).toMatchObject({
    maxOpenFiles: undefined,
    memoryLimitBytes: Number.POSITIVE_INFINITY,
    cpuLimit: Number.POSITIVE_INFINITY,
  });
});
