import { execFileSync } from "node:child_process";
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
