import { readFileSync } from "node:fs";

/** Resident memory of a process now. */
export function rssBytesOf(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(read(pid, "status")) ?? [];
  return Number(kib) * 1024;
}

/** Processor time that a process has taken, in seconds. */
export function cpuSecondsOf(pid: number): number {
  // Fields 14 and 15, in ticks of 10 ms; the second may hold spaces and ends with a bracket.
  const fields = read(pid, "stat").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8");
}
