import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** What is measured has a core of its own; the rest of the machine is the load's. */
export const SERVER_CORE = "0";

const last = cpus().length - 1;
if (last < 1) throw new Error("the benchmark needs two cores");
export const LOAD_CORES = last === 1 ? "1" : `1-${last}`;

/** Keeps a process, with all its threads, to some cores. */
export function pin(pid: number, cores: string): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", cores, String(pid)]);
}

/** Processor time that the server's core has given to anybody. */
export function serverCoreBusySeconds(): number {
  const line = readFileSync("/proc/stat", "utf8")
    .split("\n")
    .find((text) => text.startsWith(`cpu${SERVER_CORE} `));
  const ticks = line?.split(" ").slice(1).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = ticks;
  return (user + nice + system + irq + softIrq + steal) / 100;
}
