import { readdirSync, readFileSync } from "node:fs";

/** What some processes have taken since they were started. */
export interface ProcessesUsage {
  readonly cpuSeconds: number;
  /** Read and written by system calls: on these processes' sockets, and next to nothing else. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** To the nanosecond, where a process's own figures are in ticks of 10 ms. */
export function processesUsage(pids: readonly number[]): ProcessesUsage {
  const io = pids.map((pid) => readFileSync(`/proc/${pid}/io`, "utf8"));
  return {
    cpuSeconds: sum(pids.map(cpuSeconds)),
    readBytes: sum(io.map((text) => field(text, "rchar"))),
    writtenBytes: sum(io.map((text) => field(text, "wchar"))),
  };
}

/** What was taken between two readings, by second. */
export function usageRate(
  before: ProcessesUsage,
  after: ProcessesUsage,
  seconds: number,
): ProcessesUsage {
  return {
    cpuSeconds: (after.cpuSeconds - before.cpuSeconds) / seconds,
    readBytes: (after.readBytes - before.readBytes) / seconds,
    writtenBytes: (after.writtenBytes - before.writtenBytes) / seconds,
  };
}

/** Processor time that the whole machine has given to anybody. */
export function machineBusySeconds(): number {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softIrq + steal) / 100;
}

function cpuSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
    return Number(text.split(" ", 1)[0]);
  });
  return sum(nanoseconds) / 1e9;
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
