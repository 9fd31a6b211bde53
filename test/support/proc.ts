import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Resident memory of a process now. */
export function rssBytesOf(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** The most resident memory that a process has had. */
export function peakRssBytesOf(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

/** Processor time that a process has taken, in seconds. */
export function cpuSecondsOf(pid: number): number {
  // Fields 14 and 15, in ticks of 10 ms; the second may hold spaces and ends with a bracket.
  const fields = read(pid, "stat").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Sockets that a process has open. */
export function openSocketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      // Closed since the list was made.
      return false;
    }
  }).length;
}

const ESTABLISHED = "01";

/** Open TCP connections over IPv4 whose end on this machine is at a port. */
export function connectionsAt(port: number): number {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const [, ...lines] = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return local?.endsWith(end) && state === ESTABLISHED;
  }).length;
}

const PAGE_BYTES = 4096;

/** What is in the buffers of all TCP sockets of this machine; not the sockets themselves. */
export function kernelSocketBytes(): number {
  const [, pages] = /^TCP: .* mem (\d+)$/m.exec(readFileSync("/proc/net/sockstat", "utf8")) ?? [];
  return Number(pages) * PAGE_BYTES;
}

function statusBytes(pid: number, field: string): number {
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(read(pid, "status")) ?? [];
  return Number(kib) * 1024;
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8");
}
